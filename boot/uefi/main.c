/* SPDX-License-Identifier: MIT */
/*
 * BOOTX64.EFI, started by the firmware: the list of steps from here to the kernel. If one fails, a
 * line on the console has said why; the firmware gets its memory back, and then the error.
 */
#include "boot/uefi/loader.h"
#include "lib/string.h"

EFI_HANDLE loader_image;
EFI_SYSTEM_TABLE *firmware;
EFI_BOOT_SERVICES *services;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* Makes boot_info and the texts that it points to, for the later steps to fill. */
static EFI_STATUS info_create(struct loader *loader)
{
    struct handed_over *out = memory_take("boot_info", sizeof *out, BOOT_LOADER);
    if (out == NULL)
        return EFI_OUT_OF_RESOURCES;
    memset(out, 0, sizeof *out);
    memcpy(out->entry, "UEFI", sizeof "UEFI");
    out->info.entry = (const char *)(BOOT_DIRECT_MAP + (uint64_t)out->entry);
    out->info.command_line = (const char *)(BOOT_DIRECT_MAP + (uint64_t)out->command_line);
    loader->out = out;
    return EFI_SUCCESS;
}

static EFI_STATUS initrd_read(struct loader *loader)
{
    struct file file;
    EFI_STATUS status = volume_read("initrd.img", BOOT_INITRD, &file);
    if (status == EFI_NOT_FOUND)
        return EFI_SUCCESS;
    loader->out->info.initrd_start = (uint64_t)file.data;
    loader->out->info.initrd_bytes = file.bytes;
    return status;
}

static EFI_STATUS run_steps(struct loader *loader)
{
    static EFI_STATUS (*const steps[])(struct loader *) = {
        tables_check,      /* can the loader build tables for this machine? */
        info_create,       /* an empty boot_info */
        image_read,        /* kernel.elf, checked */
        image_place,       /* its segments, in physical memory */
        command_line_read, /* cmdline.txt */
        initrd_read,       /* initrd.img */
        platform_find,     /* framebuffer, ACPI */
        tables_build,      /* the page tables */
        handoff_place,     /* the code that switches to them */
        map_reserve,       /* room for the memory map */
        map_leave,         /* the memory map; from here on there is no firmware */
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        EFI_STATUS status = steps[i](loader);
        if (EFI_ERROR(status))
            return status;
    }
    handoff_jump(loader);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    static struct loader loader;
    loader_image = image;
    firmware = system;
    services = system->BootServices;
    EFI_STATUS status = run_steps(&loader);
    memory_release();
    console_wait();
    return status;
}

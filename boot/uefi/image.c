/* SPDX-License-Identifier: MIT */
/* The kernel's image: takes kernel.elf, gives its segments at some place of physical memory. */
#include "boot/uefi/loader.h"
#include "lib/addr.h"
#include "lib/format.h"
#include "lib/string.h"

/* Reads kernel.elf and checks all that is said in it. */
EFI_STATUS image_read(struct loader *loader)
{
    struct file *kernel = &loader->kernel;
    EFI_STATUS status = volume_read("kernel.elf", BOOT_LOADER, kernel);
    if (status == EFI_NOT_FOUND)
        return console_error(status, "kernel.elf is not on the boot volume: copy it to the top "
                                     "folder, beside EFI");
    if (EFI_ERROR(status))
        return status;
    char size[FORMAT_BYTES_SIZE];
    console_print("loading kernel.elf (%s) ...", format_bytes(size, kernel->bytes));
    const char *wrong = seal_check(kernel);
    if (wrong != NULL)
        return console_error(EFI_CRC_ERROR,
                             "kernel.elf is damaged: %s; copy it anew from the build", wrong);
    wrong = elf_read(kernel->data, kernel->bytes, BOOT_KERNEL_BASE, BOOT_KERNEL_BASE + GIB,
                     &loader->image);
    if (wrong != NULL)
        return console_error(EFI_LOAD_ERROR, "kernel.elf %s: build it again", wrong);
    return EFI_SUCCESS;
}

/* Copies the segments to contiguous memory, as far apart as they are linked, zeros between. */
EFI_STATUS image_place(struct loader *loader)
{
    const struct elf_image *image = &loader->image;
    uint64_t bytes = image->virt_end - image->virt_start;
    uint8_t *base = memory_take("the kernel", bytes, BOOT_KERNEL);
    if (base == NULL)
        return EFI_OUT_OF_RESOURCES;
    memset(base, 0, bytes);
    for (size_t i = 0; i < image->segments; i++) {
        const struct elf_segment *segment = &image->segment[i];
        memcpy(base + (segment->virt - image->virt_start), loader->kernel.data + segment->offset,
               segment->file_bytes);
    }
    loader->out->info.kernel_start = (uint64_t)base;
    return EFI_SUCCESS;
}

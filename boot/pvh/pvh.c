/* SPDX-License-Identifier: MIT */
/*
 * Turns the start info of the PVH boot protocol into a struct boot_info. Runs once, after entry.S,
 * before the kernel. (Xen, public/arch-x86/hvm/start_info.h describes the layout.)
 */
#include <stddef.h>
#include <stdint.h>

#include "boot/boot_info.h"

#define START_INFO_MAGIC 0x336ec578
#define RANGES_MAX       1024

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules; /* addresses are physical */
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map; /* from version 1 on */
    uint32_t memory_map_count;
    uint32_t reserved;
};

struct module {
    uint64_t start;
    uint64_t bytes;
    uint64_t command_line;
    uint64_t reserved;
};

struct memory_map_entry {
    uint64_t start;
    uint64_t bytes;
    uint32_t type; /* as in ACPI 6.5, table 15.1 */
    uint32_t reserved;
};

enum { E820_RAM = 1, E820_ACPI = 3, E820_NVS = 4 };

extern char image_start[], image_end[];

static struct boot_range ranges[RANGES_MAX];
static struct boot_info info = {.entry = "PVH", .command_line = "", .ranges = ranges};

/* Called by entry.S with the physical address of the start info. */
const struct boot_info *pvh_boot_info(uint64_t start_info);

static const void *at(uint64_t phys)
{
    return (const void *)(BOOT_DIRECT_MAP + phys);
}

/* Nothing has been set up yet that could print more nicely. */
static _Noreturn void stop(const char *message)
{
    for (; *message != '\0'; message++)
        __asm__ volatile("outb %0, %1" : : "a"(*message), "Nd"((uint16_t)0x3f8));
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void add_range(uint64_t start, uint64_t bytes, enum boot_memory kind)
{
    if (info.range_count == RANGES_MAX)
        stop("loam: error: the machine's memory map has more than 1024 entries\r\n");
    ranges[info.range_count++] = (struct boot_range){start, bytes, kind};
}

static enum boot_memory kind_of(uint32_t type)
{
    switch (type) {
    case E820_RAM:
        return BOOT_USABLE;
    case E820_ACPI:
        return BOOT_ACPI;
    case E820_NVS:
        return BOOT_FIRMWARE;
    default:
        return BOOT_RESERVED;
    }
}

/* Whoever loaded both may not know how much memory the kernel needs behind its file. */
static void take_initrd(uint64_t start, uint64_t bytes)
{
    uint64_t kernel_end = info.kernel_start + (uint64_t)(image_end - image_start);
    if (start < kernel_end && start + bytes > info.kernel_start)
        stop("loam: error: the initial RAM disk lies over the kernel: add memory\r\n");
    info.initrd_start = start;
    info.initrd_bytes = bytes;
    add_range(start, bytes, BOOT_INITRD);
}

const struct boot_info *pvh_boot_info(uint64_t phys)
{
    const struct start_info *start = at(phys);
    if (start->magic != START_INFO_MAGIC || start->version < 1)
        stop("loam: error: booted by PVH without a memory map; use QEMU 4.0 or newer\r\n");

    const struct memory_map_entry *entry = at(start->memory_map);
    for (uint32_t i = 0; i < start->memory_map_count; i++)
        add_range(entry[i].start, entry[i].bytes, kind_of(entry[i].type));

    info.kernel_start = (uint64_t)image_start - BOOT_KERNEL_BASE;
    add_range(info.kernel_start, (uint64_t)(image_end - image_start), BOOT_KERNEL);
    if (start->module_count > 0) {
        const struct module *initrd = at(start->modules);
        take_initrd(initrd->start, initrd->bytes);
    }
    if (start->command_line != 0)
        info.command_line = at(start->command_line);
    info.rsdp = start->rsdp;
    return &info;
}

/* SPDX-License-Identifier: MIT */
/*
 * The only contract between whatever boots Loam and the kernel. Either entry, UEFI or PVH, fills
 * one struct boot_info and calls the kernel's entry with it; the kernel cannot tell which it was,
 * save for the name it prints.
 *
 * At that call: 64-bit mode, 4-level paging, interrupts off, write protection and (if the CPU has
 * it) NX on; the kernel's segments are mapped where they are linked, with at least their
 * permissions; the first BOOT_MAPPED bytes of physical memory are writable both at address 0 and at
 * BOOT_DIRECT_MAP. boot_info and all that it points to lie in the kernel image, or in memory of the
 * kind BOOT_LOADER, addressed through BOOT_DIRECT_MAP.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOOT_DIRECT_MAP  0xffff800000000000
#define BOOT_KERNEL_BASE 0xffffffff80000000
#define BOOT_MAPPED      0x100000000

/* The longest command line, its terminator included. */
#define BOOT_COMMAND_LINE_SIZE 2048

/*
 * What a range of physical memory is. Where ranges overlap, the greater kind wins: whoever calls
 * memory his own is believed against whoever offers it.
 */
enum boot_memory {
    BOOT_USABLE,   /* nobody's: the kernel may have it at once */
    BOOT_LOADER,   /* boot_info, the tables in use at entry: the kernel's once it has left them */
    BOOT_ACPI,     /* ACPI tables: the kernel's once it has read them */
    BOOT_INITRD,   /* the initial RAM disk */
    BOOT_KERNEL,   /* the kernel image */
    BOOT_FIRMWARE, /* memory that the firmware needs for ever: runtime services, ACPI NVS */
    BOOT_RESERVED, /* not memory to be touched: devices, broken RAM, holes, kinds unknown */
    BOOT_MEMORY_KINDS
};

/* As firmware gives it: nothing is promised about alignment, order, overlap or overflow. */
struct boot_range {
    uint64_t start; /* physical address */
    uint64_t bytes;
    uint32_t kind; /* enum boot_memory; anything else counts as BOOT_RESERVED */
};

/* A linear framebuffer; base 0 if there is none. */
struct boot_framebuffer {
    uint64_t base; /* physical address */
    uint32_t width;
    uint32_t height;
    uint32_t pitch; /* pixels from one line to the next; a pixel is 32 bits */
    uint8_t red_shift;
    uint8_t green_shift;
    uint8_t blue_shift;
};

struct boot_info {
    const char *entry;               /* "UEFI" or "PVH" */
    const char *command_line;        /* terminated; never NULL */
    const struct boot_range *ranges; /* the memory map */
    size_t range_count;
    uint64_t kernel_start; /* physical address of the image's first page */
    uint64_t initrd_start; /* physical address; initrd_bytes is 0 if there is none */
    uint64_t initrd_bytes;
    uint64_t rsdp; /* physical address of the ACPI root pointer, or 0 */
    struct boot_framebuffer framebuffer;
};

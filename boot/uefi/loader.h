/* SPDX-License-Identifier: MIT */
/*
 * The UEFI loader, BOOTX64.EFI: takes kernel.elf, cmdline.txt and initrd.img from the volume that
 * it came from, gives the kernel a struct boot_info, and takes the machine from the firmware. This
 * header is what its files share; nothing of UEFI leaves this folder.
 *
 * main.c lists the steps. Each takes the struct loader that the steps before it have filled, and
 * returns an EFI status; on an error it has told the user why.
 */
#pragma once

#include <stdbool.h>
#include <efi.h>
#include "boot/boot_info.h"
#include "lib/elf.h"

#define COMMAND_LINE_MAX (BOOT_COMMAND_LINE_SIZE - 1) /* bytes, terminator not counted */

/* A file in memory: whole pages, the rest of the last one undefined. */
struct file {
    uint8_t *data;
    uint64_t bytes;
};

/* boot_info and the texts that it points to, in memory that the kernel can reach. */
struct handed_over {
    struct boot_info info;
    char entry[8];
    char command_line[COMMAND_LINE_MAX + 1];
};

/* The firmware's memory map: `bytes` of descriptors, each `stride` bytes after the one before. */
struct firmware_map {
    uint8_t *descriptors;
    UINTN capacity;
    UINTN bytes;
    UINTN stride;
    UINTN key; /* proves to ExitBootServices that this is the newest map */
};

struct loader {
    struct handed_over *out;
    struct file kernel;     /* kernel.elf without its seal */
    struct elf_image image; /* what elf_read says of it */
    uint64_t tables;        /* physical address of the kernel's top page table */
    void *handoff;          /* the page that holds the code of handoff.S */
    struct firmware_map map;
    struct boot_range *ranges;
};

/* The firmware, until map_leave succeeds. */
extern EFI_HANDLE loader_image;
extern EFI_SYSTEM_TABLE *firmware;
extern EFI_BOOT_SERVICES *services;

/* console.c: lines on the firmware's console. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
EFI_STATUS console_error(EFI_STATUS status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void console_wait(void);

/* memory.c: physical memory for the kernel to find, every byte below BOOT_MAPPED. */
#define MEMORY_RANGES_MAX 16
void *memory_take(const char *what, uint64_t bytes, enum boot_memory kind);
void *memory_take_code(const char *what);
void memory_release(void);
size_t memory_ranges(struct boot_range *ranges);

/* volume.c: files of the boot volume. */
EFI_STATUS volume_read(const char *name, enum boot_memory kind, struct file *file);

/* seal.c: is a file the one that was built? */
const char *seal_check(struct file *file);

/* tables.c: can this CPU mark pages as not executable? */
bool tables_no_execute(void);

/* The steps, in their order, and what comes after them. */
EFI_STATUS tables_check(struct loader *loader);
EFI_STATUS image_read(struct loader *loader);
EFI_STATUS image_place(struct loader *loader);
EFI_STATUS command_line_read(struct loader *loader);
EFI_STATUS platform_find(struct loader *loader);
EFI_STATUS tables_build(struct loader *loader);
EFI_STATUS handoff_place(struct loader *loader);
EFI_STATUS map_reserve(struct loader *loader);
EFI_STATUS map_leave(struct loader *loader);
_Noreturn void handoff_jump(const struct loader *loader);

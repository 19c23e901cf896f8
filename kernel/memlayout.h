/* SPDX-License-Identifier: MIT */
/*
 * The virtual memory map of the kernel, sorted by address. Everything lies in the upper half; the
 * lower half, with page 0, is left to user programs. Windows are address space, not memory: only
 * what is in use is mapped.
 *
 *   0xffff8000_00000000  64 TiB  direct map: physical address p at DIRECT_MAP + p, never executable
 *   0xffffd000_00000000  15 TiB  brk: the heap's arena, grown by ksbrk
 *   0xffffe000_00000000   8 TiB  mmap: what kmmap hands out
 *   0xffffe900_00000000   6 TiB  vmalloc: blocks of pages between guards
 *   0xfffff000_00000000   1 TiB  the heap's table of slice descriptors, and its marks
 *   0xfffff200_00000000   1 TiB  devices: their memory, never cached
 *   0xfffff400_00000000  64 MiB  ACPI tables outside the direct map, read-only
 *   0xffffffff_80000000   1 GiB  the kernel image: text, rodata, data, stacks
 */
#pragma once

#include "boot/boot_info.h"
#include "lib/addr.h"

#define MEMLAYOUT_DIRECT_MAP_START BOOT_DIRECT_MAP
#define MEMLAYOUT_DIRECT_MAP_SIZE  (64 * TIB)

#define MEMLAYOUT_BRK_START 0xffffd00000000000
#define MEMLAYOUT_BRK_END   0xffffdf0000000000

#define MEMLAYOUT_MMAP_START 0xffffe00000000000
#define MEMLAYOUT_MMAP_END   0xffffe80000000000

#define MEMLAYOUT_VMALLOC_START 0xffffe90000000000
#define MEMLAYOUT_VMALLOC_END   0xffffef0000000000

#define MEMLAYOUT_HEAP_TABLE_START 0xfffff00000000000
#define MEMLAYOUT_HEAP_TABLE_END   0xfffff10000000000

/* Its second half: where live blocks start, in debug and hardened builds. */
#define MEMLAYOUT_HEAP_MARKS_START 0xfffff08000000000

#define MEMLAYOUT_DEVICES_START 0xfffff20000000000
#define MEMLAYOUT_DEVICES_END   0xfffff30000000000

#define MEMLAYOUT_ACPI_START 0xfffff40000000000
#define MEMLAYOUT_ACPI_END   0xfffff40004000000

#define MEMLAYOUT_STACKS_START 0xfffff60000000000
#define MEMLAYOUT_STACKS_END   0xfffff60040000000

#define MEMLAYOUT_IMAGE_START BOOT_KERNEL_BASE

/* RAM from here on is not used: it would not fit the direct map. */
#define MEMLAYOUT_RAM_END ((frame_t){MEMLAYOUT_DIRECT_MAP_SIZE >> PAGE_SHIFT})

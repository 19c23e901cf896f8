/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own address space: page tables of its own in place of those it was booted with, and
 * the aspace from which ksbrk and kmmap serve.
 */
#pragma once

#include <stddef.h>

#include "boot/boot_info.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/memmap.h"
#include "lib/check.h"

/* Builds the tables and switches to them: the direct map of all RAM but the kernel image, with the
 * largest pages there are; the image, with the permissions of each part and without the guard pages
 * of its stacks; nothing else. Precondition: pmm_start(). Returns 0 or -ENOMEM. */
int kspace_init(const struct memmap *map, uint64_t kernel_start);

/* Makes read-only, for good, the variables that never change again (SEALED, image.h): the IDT, the
 * GDT, what the CPU can do, the memory map. Called once, when the last of them has its value. */
void kspace_seal(void);

/* Maps the device memory [phys, phys + bytes), at any byte, to be read and written, for good.
 * `flags` is PAGE_UNCACHED or PAGE_WRITE_COMBINING. Returns where the byte at `phys` is, or NULL:
 * part of it is RAM or beyond the CPU's physical addresses, or there is no memory for tables. */
void *kspace_map_device(phys_t phys, uint64_t bytes, unsigned flags);

/* Gives the CPU number `cpu` stacks, each behind a guard. Returns 0 or -ENOMEM. */
int kspace_map_stacks(unsigned cpu);

/* Maps a frame at its own physical address, for a CPU that turns its page tables on there, and
 * takes that mapping away again. False if there is no memory for tables. */
bool kspace_map_identity(frame_t frame, unsigned flags);
void kspace_unmap_identity(frame_t frame);

struct aspace *kspace(void);
struct paging *kspace_paging(void);

/* Walks every table and verifies the protections: no page writable and executable; nothing in the
 * lower half; the kernel image mapped once and by itself; its text, rodata and sealed data not
 * writable; no guard page mapped; nothing but stacks in their window; the direct map not
 * executable, and every address in it where it belongs; what is in the window of devices, and
 * nothing else, not cached, and mapped nowhere else. Returns how many sentences were told. */
size_t kspace_audit(check_report *report);

/* SPDX-License-Identifier: MIT */
/*
 * The machine seam, hosted: physical memory is an array, and the TLB is a model that remembers every
 * translation that was used and every flush. The kernel's own is kernel/arch/x86_64/machine.h; both
 * answer the same contract.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

/* Physical memory [0, host_memory_bytes), sparse: only what is touched costs. */
extern unsigned char *host_memory;
extern uint64_t host_memory_bytes;

/* What the machine can do; tests set them. */
extern bool host_has_gib_pages;
extern bool host_has_nx;

/* Where the byte at `phys` can be reached. */
void *machine_phys_to_virt(phys_t phys);

/* The pages of 1 GiB and the no-execute bit: does the CPU have them? */
static inline bool machine_has_gib_pages(void)
{
    return host_has_gib_pages;
}

static inline bool machine_has_nx(void)
{
    return host_has_nx;
}

/* Ends the cached translation of the page that holds `virt`, or of all pages. */
void machine_flush_page(uintptr_t virt);
void machine_flush_all(void);

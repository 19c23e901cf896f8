/* SPDX-License-Identifier: MIT */
/*
 * The machine seam, hosted: physical memory is an array, and the TLB is a model that remembers
 * every translation that was used and every flush. The kernel's own is
 * kernel/arch/x86_64/machine.h; both answer the same contract.
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
extern unsigned host_phys_bits; /* physical addresses are below 2^host_phys_bits */

/* Where the byte at `phys` can be reached. */
void *machine_phys_to_virt(phys_t phys);

/* Clears `bytes` at `start`; both multiples of 8. */
static inline void machine_clear(void *start, size_t bytes)
{
    __builtin_memset(start, 0, bytes);
}

/* Adds to a counter of this CPU's. */
static inline void machine_add(int64_t *counter, int64_t value)
{
    *counter += value;
}

/* The pages of 1 GiB and the no-execute bit: does the CPU have them? */
static inline bool machine_has_gib_pages(void)
{
    return host_has_gib_pages;
}

static inline bool machine_has_nx(void)
{
    return host_has_nx;
}

/* More pages than this are flushed by dropping the whole TLB. */
#define MACHINE_FLUSH_MAX 32

/* What ended in the page tables, and may be cached still. */
struct machine_flush {
    unsigned count; /* of pages; greater than MACHINE_FLUSH_MAX: all pages there are */
    bool tables;    /* tables that led to pages ended, too */
    uintptr_t page[MACHINE_FLUSH_MAX];
};

/* Ends these cached translations. */
void machine_flush(const struct machine_flush *flush);

/* A machine with `bytes` of memory, its first 64 MiB full of garbage, and nothing cached. One at a
 * time: starting ends the one before. */
void host_machine_start(uint64_t bytes);
void host_machine_stop(void);

/*
 * The model of the TLB. It caches what was touched: pages, and the tables on the way to them (the
 * paging-structure caches of the SDM, which any flush empties). The hardware may drop either at any
 * time, so tests that touch nothing see nothing.
 */
struct paging;

/* Reads at `virt` as the CPU would, from the cache or by a walk, which sets accessed and dirty
 * bits. True iff that does not fault; `phys` is where it reads. */
bool host_tlb_touch(const struct paging *paging, uintptr_t virt, phys_t *phys);

/* NULL, or a sentence: a cached page is not what the tables say now, or an earlier host_tlb_freed()
 * found something. */
const char *host_tlb_verify(void);

/* Tells the model that these frames are free from now on: none may be cached. */
void host_tlb_freed(frame_t frame, unsigned order);

/* Flushes since host_flushes was last set to zero. */
struct host_flushes {
    uint64_t pages;
    uint64_t all;
};
extern struct host_flushes host_flushes;

/* SPDX-License-Identifier: MIT */
/*
 * The machine seam: how page-table code reaches physical memory and the TLB. Found by include path:
 * the hosted tests have their own, over an array.
 */
#pragma once

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/memlayout.h"
#include "lib/addr.h"

/* Where the byte at `phys` can be reached: in the direct map, the first BOOT_MAPPED bytes of which
 * are there from the kernel's first instruction on. */
static inline void *machine_phys_to_virt(phys_t phys)
{
    return (void *)(MEMLAYOUT_DIRECT_MAP_START + phys.addr);
}

/* The pages of 1 GiB and the no-execute bit: does the CPU have them? */
static inline bool machine_has_gib_pages(void)
{
    return cpu.gib_pages;
}

static inline bool machine_has_nx(void)
{
    return cpu.nx;
}

/* More pages than this are flushed by dropping the whole TLB. */
#define MACHINE_FLUSH_MAX 32

/* What ended in the page tables, and may be cached still. */
struct machine_flush {
    unsigned count; /* of pages; greater than MACHINE_FLUSH_MAX: all pages there are */
    bool tables;    /* tables that led to pages ended, too */
    uintptr_t page[MACHINE_FLUSH_MAX];
};

/* Ends these cached translations, global or not, on every CPU that can have them, and returns when
 * that is done. */
void machine_flush(const struct machine_flush *flush);

/* The same on this CPU alone, */
void machine_flush_here(const struct machine_flush *flush);

/* and for all that it has cached. */
void machine_flush_all_here(void);

/* How machine_flush() does it from now on; at first it is machine_flush_here(). */
void machine_set_flusher(void (*flusher)(const struct machine_flush *flush));

/* Clears `bytes` at `start`; both multiples of 8. */
static inline void machine_clear(void *start, size_t bytes)
{
    size_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(start), "+c"(words) : "a"(0UL) : "memory");
}

/* Adds to a counter of this CPU's; no interrupt comes in between. */
static inline void machine_add(int64_t *counter, int64_t value)
{
    __asm__ volatile("addq %1, %0" : "+m"(*counter) : "re"(value) : "cc");
}

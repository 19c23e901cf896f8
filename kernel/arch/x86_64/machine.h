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

/* Ends the cached translation of the page that holds `virt`, global or not. */
static inline void machine_flush_page(uintptr_t virt)
{
    asm_invlpg(virt);
}

/* Ends all cached translations, global ones too: any change of CR4.PGE does. (SDM vol.
 * 3A, 4.10.4.1) */
static inline void machine_flush_all(void)
{
    uint64_t cr4 = asm_read_cr4(), pge = (uint64_t)1 << 7;
    if (cr4 & pge) {
        asm_write_cr4(cr4 & ~pge);
        asm_write_cr4(cr4);
    } else {
        asm_write_cr3(asm_read_cr3());
    }
}

/* Clears `bytes` at `start`; both multiples of 8. */
static inline void machine_clear(void *start, size_t bytes)
{
    size_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(start), "+c"(words) : "a"(0UL) : "memory");
}

/* SPDX-License-Identifier: MIT */
/*
 * A second opinion on page tables: takes a root and an address and does what the CPU would, written
 * from the Intel SDM (vol. 3A, 4.5 and 4.6) and sharing nothing with kernel/mm/paging.c but the
 * names of the flags.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

struct walk {
    bool present;      /* there is a page, and reading it does not fault */
    const char *wrong; /* NULL, or what no entry may be: a reserved bit, an odd memory type */
    unsigned level;    /* of the entry at which the walk ended */
    uint64_t size;     /* bytes that this entry maps */
    phys_t phys;       /* of the byte asked for, if present */
    unsigned flags;    /* enum page_flags that all levels together allow, if present */
    size_t tables;     /* tables read on the way, and their frames, from the root down */
    frame_t table[4];
};

struct walk walk_tables(phys_t root, uintptr_t virt);

/* Sets the bits that the CPU sets when it writes (reads, where it may not write) at `virt`. */
void walk_mark_used(phys_t root, uintptr_t virt);

/* Tables that can be reached from the root, the root included. */
uint64_t walk_count_tables(phys_t root);

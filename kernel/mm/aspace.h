/* SPDX-License-Identifier: MIT */
/*
 * An address space: the sorted regions of addresses that somebody has asked for, each with what may
 * be done there, and the page tables behind them. brk and mmap are thin layers on it.
 *
 * Regions are disjoint and half-open; neighbours that touch and have equal attributes are merged.
 * A region that allows access has a zeroed frame behind every page from the start (the kernel does
 * not page itself in); one that allows none takes frames only once access is given, and keeps them
 * when access is taken away. A region with ASPACE_SPARSE has frames only where aspace_back() put
 * them; it is not to be protected.
 *
 * Each change first gets everything it needs, then changes, so that -ENOMEM leaves all as it was.
 * Addresses and sizes are multiples of 4096 inside the space, else the caller is at fault: panic.
 * Locking: the caller's, who holds aspace_lock for everything but aspace_init().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/lock.h"
#include "kernel/mm/paging.h"
#include "lib/tree.h"

/* Stands beside enum page_flags in the flags of a region. */
#define ASPACE_SPARSE 256U

struct region {
    struct tree_node node; /* key: start */
    uintptr_t end;
    unsigned flags; /* enum page_flags, ASPACE_SPARSE; 0: no access */
};

static inline uintptr_t region_start(const struct region *region)
{
    return region->node.key;
}

struct aspace {
    struct paging *paging;
    uintptr_t start; /* regions lie in [start, end) */
    uintptr_t end;
    struct tree_node *regions;
    size_t region_count;
};

/* Guards every space and its page tables. Taken with interrupts off. */
extern struct lock aspace_lock;

/* An empty space over [start, end) of `paging`. */
void aspace_init(struct aspace *space, struct paging *paging, uintptr_t start, uintptr_t end);

/* The lowest gap of `size` bytes in [from, to), or 0 if there is none. */
uintptr_t aspace_find_gap(const struct aspace *space, uintptr_t from, uintptr_t to, size_t size);

/* True iff some region lies in [start, end) at least in part. */
bool aspace_overlaps(const struct aspace *space, uintptr_t start, uintptr_t end);

/* Makes [start, end) one new zeroed region with `flags`, in place of whatever was there. Returns 0
 * or -ENOMEM. */
int aspace_map(struct aspace *space, uintptr_t start, uintptr_t end, unsigned flags);

/* Removes whatever regions and parts of regions lie in [start, end), and frees the frames. Returns
 * 0, or -ENOMEM if a region had to be cut in two and there was no memory to describe the second. */
int aspace_unmap(struct aspace *space, uintptr_t start, uintptr_t end);

/* Gives new flags to whatever regions and parts of regions lie in [start, end), up to the first
 * hole. Returns 0, or -ENOMEM if there is a hole (what lies before it is changed, as on Linux), or
 * -ENOMEM with nothing changed if memory is short. */
int aspace_protect(struct aspace *space, uintptr_t start, uintptr_t end, unsigned flags);

/* Puts frames, whose contents are undefined, behind the pages of [start, end), which lies in one
 * sparse region and has none there. Returns 0, or -ENOMEM with nothing changed. */
int aspace_back(struct aspace *space, uintptr_t start, uintptr_t end);

/* Frees the frames behind [start, end) of a sparse region. */
void aspace_drop(struct aspace *space, uintptr_t start, uintptr_t end);

/* The region that holds `address`, or NULL. */
const struct region *aspace_find(const struct aspace *space, uintptr_t address);

/* The first region that ends above `address`, or NULL: for visiting all of them in order. */
const struct region *aspace_next(const struct aspace *space, uintptr_t address);

/* Verifies that regions are in order, disjoint and merged, and that pages agree with them. Returns
 * how many sentences were told. */
size_t aspace_check(const struct aspace *space, check_report *report);

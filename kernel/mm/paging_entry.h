/* SPDX-License-Identifier: MIT */
/*
 * The format of page table entries, shared by paging.c and paging_check.c.
 *
 *   63  62       52 51            12 11..9 8 7  6 5 4   3   2 1 0
 *  +---+-----------+----------------+-----+-+--+-+-+---+---+-+-+-+
 *  |NX |   count   | frame          |  M  |G|PS|D|A|PCD|PWT|U|W|P|
 *  +---+-----------+----------------+-----+-+--+-+-+---+---+-+-+-+
 *
 * An entry is zero, or maps a page (M, bit 9, is set; P may be clear: the page then keeps its frame
 * but allows nothing), or points to a table. In the last case bits 52 to 62, which the CPU ignores,
 * hold the number of nonzero entries in that table plus the pins on it, so that an empty table is
 * seen without looking at it. A and D are always set: the CPU never has to write an entry.
 * (Intel SDM vol. 3A, table 4-15 and following.)
 */
#pragma once

#include <machine.h>

#include "kernel/mm/paging.h"
#include "lib/bits.h"

#define ENTRY_PRESENT         ((uint64_t)1 << 0)
#define ENTRY_WRITE           ((uint64_t)1 << 1)
#define ENTRY_USER            ((uint64_t)1 << 2)
#define ENTRY_WRITE_COMBINING ((uint64_t)1 << 3) /* PWT: see cpu_enable() */
#define ENTRY_UNCACHED        ((uint64_t)3 << 3) /* PWT and PCD */
#define ENTRY_CACHING         ENTRY_UNCACHED     /* the bits that say which */
#define ENTRY_ACCESSED        ((uint64_t)1 << 5)
#define ENTRY_DIRTY           ((uint64_t)1 << 6)
#define ENTRY_LARGE           ((uint64_t)1 << 7)
#define ENTRY_GLOBAL          ((uint64_t)1 << 8)
#define ENTRY_PAGE            ((uint64_t)1 << 9)
#define ENTRY_FRAME           ((uint64_t)0x000ffffffffff000)
#define ENTRY_COUNT           ((uint64_t)0x7ff << 52)
#define ENTRY_ONE             ((uint64_t)1 << 52) /* one in the count */
#define ENTRY_NX              ((uint64_t)1 << 63)

#define TABLE_ENTRIES 512

/* The CPU reads entries at any time: each is read and written whole. */
static inline uint64_t entry_read(const uint64_t *slot)
{
    return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

static inline void entry_write(uint64_t *slot, uint64_t entry)
{
    __atomic_store_n(slot, entry, __ATOMIC_RELEASE);
}

/* True iff a nonzero entry at `level` maps a page rather than pointing to a table. */
static inline bool entry_is_page(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & ENTRY_LARGE) != 0;
}

static inline phys_t entry_phys(uint64_t entry)
{
    return (phys_t){entry & ENTRY_FRAME};
}

static inline uint64_t entry_count(uint64_t entry)
{
    return (entry & ENTRY_COUNT) >> 52;
}

/* The table that an entry points to. */
static inline uint64_t *entry_table(uint64_t entry)
{
    return machine_phys_to_virt(entry_phys(entry));
}

/* Which entry of a table at `level` is responsible for `virt`. */
static inline unsigned entry_index(uintptr_t virt, unsigned level)
{
    return (unsigned)(virt >> (PAGE_SHIFT + 9 * level)) % TABLE_ENTRIES;
}

/* Bit 47 is copied to the bits above it: the only addresses that exist. */
static inline uintptr_t canonical(uintptr_t virt)
{
    return (uintptr_t)((intptr_t)(virt << 16) >> 16);
}

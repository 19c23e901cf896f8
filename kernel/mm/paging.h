/* SPDX-License-Identifier: MIT */
/*
 * Page tables: maps, unmaps, protects and translates pages of 4 KiB, 2 MiB and 1 GiB in one set of
 * x86-64 four-level tables. Knows nothing of who owns which address; that is aspace's business.
 *
 *   63      48 47     39 38     30 29     21 20     12 11          0
 *  +----------+---------+---------+---------+---------+-------------+
 *  | = bit 47 | level 3 | level 2 | level 1 | level 0 | page offset |
 *  +----------+---------+---------+---------+---------+-------------+
 *               PML4      PDPT      PD        PT
 *
 * A page mapped at level 0 has 4 KiB, at level 1 2 MiB, at level 2 1 GiB. (Intel SDM vol. 3A, 4.5.)
 *
 * Addresses, sizes and physical addresses are multiples of 4096 and ranges do not cross the hole in
 * the middle of the address space; anything else is a caller's bug and panics with the value. A
 * call that returns -ENOMEM has changed no translation. Tables come from pmm (PMM_TABLES), go back
 * when they become empty, and every present translation that changes or ends is flushed before the
 * call returns and before its frame is released. Locking: the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/check.h"

#define PAGING_LEVELS 4

/* Bytes that one entry at `level` maps. */
static inline uint64_t paging_span(unsigned level)
{
    return (uint64_t)PAGE_SIZE << (9 * level);
}

/* What a mapping allows. Without PAGE_READ nothing: the entry is not present but keeps its frame.
 */
enum page_flags {
    PAGE_READ = 1,
    PAGE_WRITE = 2,
    PAGE_EXEC = 4,
    PAGE_USER = 8,
    PAGE_GLOBAL = 16,
    PAGE_UNCACHED = 32,        /* device registers */
    PAGE_WRITE_COMBINING = 64, /* a framebuffer; not with PAGE_UNCACHED */
};

/* One set of page tables. */
struct paging {
    phys_t root;
    uint64_t tables; /* table frames in use, the root included */
};

/* An empty set. Returns 0 or -ENOMEM. */
int paging_init(struct paging *paging);

/* Maps [virt, virt + size) to [phys, phys + size) with the largest pages that alignment and CPU
 * allow. Panics if any of it is mapped already. Returns 0 or -ENOMEM. */
int paging_map(struct paging *paging, uintptr_t virt, phys_t phys, uint64_t size, unsigned flags);

/* Maps [virt, virt + count * PAGE_SIZE) to single frames, the first to the first. Else as
 * paging_map(). */
int paging_map_frames(struct paging *paging, uintptr_t virt, const frame_t *frames, size_t count,
                      unsigned flags);

/* Told of each frame block whose mapping has ended, after the flush. */
typedef void paging_release(frame_t frame, unsigned order);

/* Unmaps whatever is mapped in [virt, virt + size), splitting large pages at its ends, and hands
 * the frames to `release` (may be NULL). Returns 0, or -ENOMEM if a split found no frame for its
 * table; cannot fail where only 4 KiB pages are mapped. */
int paging_unmap(struct paging *paging, uintptr_t virt, uint64_t size, paging_release *release);

/* Gives whatever is mapped in [virt, virt + size) new flags. Returns as paging_unmap does. */
int paging_protect(struct paging *paging, uintptr_t virt, uint64_t size, unsigned flags);

/* Makes all tables for 4 KiB pages in [virt, virt + size) and keeps them, even when empty, until
 * paging_unpin: in between, mapping 4 KiB pages there cannot fail. Pins nest, up to
 * 1000 deep. Returns 0, or -ENOMEM
 * with nothing pinned. Precondition: no large page is mapped there. */
int paging_pin(struct paging *paging, uintptr_t virt, uint64_t size);
void paging_unpin(struct paging *paging, uintptr_t virt, uint64_t size);

/* The page that holds an address. */
struct page {
    uintptr_t virt; /* its first byte */
    phys_t phys;
    unsigned level;
    unsigned flags;
};

/* Finds the page that holds `virt`; false if nothing is mapped there. A page without PAGE_READ is
 * found, too. */
bool paging_find(const struct paging *paging, uintptr_t virt, struct page *page);

/* The physical address behind `virt`; false unless it can be read. */
bool paging_translate(const struct paging *paging, uintptr_t virt, phys_t *phys);

/* Pages in [virt, virt + size) that are mapped, in units of 4 KiB. */
uint64_t paging_count(const struct paging *paging, uintptr_t virt, uint64_t size);

/* Visits every mapped page in address order; `visit` must not change the tables. */
typedef void paging_visitor(void *context, const struct page *page);
void paging_visit(const struct paging *paging, paging_visitor *visit, void *context);

/* The entries met on the way to `virt`, from level 3 down. Returns how many: the last one is a page
 * or not present. */
struct paging_step {
    unsigned level;
    unsigned index;
    uint64_t entry;
};
size_t paging_walk(const struct paging *paging, uintptr_t virt,
                   struct paging_step steps[PAGING_LEVELS]);

/* The flags of a raw entry that maps a page. */
unsigned paging_entry_flags(uint64_t entry);

/* Verifies that the counts kept in the tables are right, that no table is empty, and that the
 * number of tables is. Precondition: nothing is pinned. Returns how many sentences were told. */
size_t paging_check(const struct paging *paging, check_report *report);

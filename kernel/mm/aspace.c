/* SPDX-License-Identifier: MIT */
/*
 * Address spaces. Every change has the same shape: get all that it needs (region structs, frames in
 * a purse, pinned tables), undo that if some of it is not to be had, else commit, which cannot
 * fail.
 */
#include "kernel/mm/aspace.h"

#include "kernel/mm/pmm.h"
#include "kernel/mm/region.h"
#include "kernel/panic.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "lib/list.h"

struct lock aspace_lock;

void aspace_init(struct aspace *space, struct paging *paging, uintptr_t start, uintptr_t end)
{
    lock_init(&aspace_lock, "address spaces", LOCK_ASPACE);
    *space = (struct aspace){.paging = paging, .start = start, .end = end};
}

static void check_range(const char *who, const struct aspace *space, uintptr_t start, uintptr_t end)
{
    if (!bits_is_aligned(start | end, PAGE_SIZE) || start >= end || start < space->start ||
        end > space->end)
        panic("%s: [0x%lx, 0x%lx) is not a range of pages in the space [0x%lx, 0x%lx)", who, start,
              end, space->start, space->end);
}

/* Finding regions */

static struct region *region_of(struct tree_node *node)
{
    return node == NULL ? NULL : container_of(node, struct region, node);
}

/* The region that holds `address`, or NULL. */
static struct region *find(const struct aspace *space, uintptr_t address)
{
    struct region *region = region_of(tree_at_or_below(space->regions, address));
    return region != NULL && address < region->end ? region : NULL;
}

/* The first region that ends above `address`, or NULL. */
static struct region *next(const struct aspace *space, uintptr_t address)
{
    struct region *region = find(space, address);
    return region != NULL ? region : region_of(tree_at_or_above(space->regions, address));
}

const struct region *aspace_find(const struct aspace *space, uintptr_t address)
{
    return find(space, address);
}

const struct region *aspace_next(const struct aspace *space, uintptr_t address)
{
    return next(space, address);
}

bool aspace_overlaps(const struct aspace *space, uintptr_t start, uintptr_t end)
{
    const struct region *region = next(space, start);
    return region != NULL && region_start(region) < end;
}

uintptr_t aspace_find_gap(const struct aspace *space, uintptr_t from, uintptr_t to, size_t size)
{
    uintptr_t at = from;
    const struct region *region = next(space, at);
    while (to - at >= size) {
        if (region == NULL || region_start(region) >= at + size)
            return at;
        at = region->end;
        if (at >= to)
            break;
        region = next(space, at);
    }
    return 0;
}

/* Cutting and joining */

static void insert(struct aspace *space, struct region *region, uintptr_t start, uintptr_t end,
                   unsigned flags)
{
    region->node.key = start;
    region->end = end;
    region->flags = flags;
    tree_insert(&space->regions, &region->node);
    space->region_count++;
}

static void discard(struct aspace *space, struct region *region)
{
    tree_remove(&space->regions, &region->node);
    space->region_count--;
    region_free(region);
}

/* Makes a region border at `at`, if `at` lies inside a region. Undone by join(). */
static int cut(struct aspace *space, uintptr_t at)
{
    struct region *region = find(space, at);
    if (region == NULL || region_start(region) == at)
        return 0;
    struct region *behind = region_alloc();
    if (behind == NULL)
        return -ENOMEM;
    insert(space, behind, at, region->end, region->flags);
    region->end = at;
    return 0;
}

/* Merges the regions that touch at `at` if they are equal. */
static void join(struct aspace *space, uintptr_t at)
{
    struct region *before = find(space, at - 1), *behind = find(space, at);
    if (before == NULL || behind == NULL || before == behind || before->flags != behind->flags)
        return;
    before->end = behind->end;
    discard(space, behind);
}

static int cut_ends(struct aspace *space, uintptr_t start, uintptr_t end)
{
    int error = cut(space, start);
    if (error == 0)
        error = cut(space, end);
    if (error != 0)
        join(space, start);
    return error;
}

static void join_ends(struct aspace *space, uintptr_t start, uintptr_t end)
{
    join(space, start);
    join(space, end);
}

/* Backing: the frames and tables for a range, bought before anything changes */

struct backing {
    uintptr_t start, end;
    struct pmm_purse purse;
};

/* Buys `pages` frames, and pins the tables of the range if there are any to be mapped. */
static int back(struct aspace *space, struct backing *backing, uintptr_t start, uintptr_t end,
                size_t pages)
{
    backing->start = start;
    backing->end = pages > 0 ? end : start;
    int error = pmm_purse_fill(&backing->purse, PMM_HEAP, pages);
    if (error != 0)
        return error;
    error = paging_pin(space->paging, start, backing->end - start);
    if (error != 0)
        pmm_purse_empty(&backing->purse);
    return error;
}

/* Puts a frame behind every page of the range that has none. Cannot fail. */
static void commit(struct aspace *space, struct backing *backing, unsigned flags)
{
    struct page page;
    for (uintptr_t at = backing->start; at < backing->end; at += PAGE_SIZE) {
        if (paging_find(space->paging, at, &page))
            continue;
        phys_t phys = phys_of_frame(pmm_purse_take(&backing->purse));
        if (paging_map(space->paging, at, phys, PAGE_SIZE, flags) != 0)
            panic("aspace: a pinned table was missing at 0x%lx", at);
    }
    paging_unpin(space->paging, backing->start, backing->end - backing->start);
}

static void release(frame_t frame, unsigned order)
{
    pmm_free(PMM_HEAP, frame, order);
}

static void unmap_pages(struct aspace *space, uintptr_t start, uintptr_t end)
{
    if (paging_unmap(space->paging, start, end - start, release) != 0)
        panic("aspace: large pages at 0x%lx where there are none", start);
}

/* Precondition: no region reaches beyond the range. */
static void clear(struct aspace *space, uintptr_t start, uintptr_t end)
{
    for (struct region *old = next(space, start); old != NULL && region_start(old) < end;
         old = next(space, start))
        discard(space, old);
    unmap_pages(space, start, end);
}

/* The interface */

int aspace_map(struct aspace *space, uintptr_t start, uintptr_t end, unsigned flags)
{
    check_range("aspace_map", space, start, end);
    struct region *region = region_alloc();
    if (region == NULL)
        return -ENOMEM;
    struct backing backing;
    int error = cut_ends(space, start, end);
    if (error == 0) {
        bool is_backed = flags != 0 && !(flags & ASPACE_SPARSE);
        error = back(space, &backing, start, end, is_backed ? (end - start) >> PAGE_SHIFT : 0);
        if (error != 0)
            join_ends(space, start, end);
    }
    if (error != 0) {
        region_free(region);
        return error;
    }

    if (aspace_overlaps(space, start, end))
        clear(space, start, end);
    commit(space, &backing, flags);
    insert(space, region, start, end, flags);
    join_ends(space, start, end);
    return 0;
}

/* Only a cut can fail, and it happens only if one region holds the whole range and more on both
 * sides: then nothing has changed yet. */
int aspace_unmap(struct aspace *space, uintptr_t start, uintptr_t end)
{
    check_range("aspace_unmap", space, start, end);
    for (struct region *region = next(space, start); region != NULL && region_start(region) < end;
         region = next(space, start)) {
        bool before = region_start(region) < start;
        bool behind = region->end > end;
        if (before && behind) {
            if (cut(space, end) != 0)
                return -ENOMEM;
            region->end = start;
        } else if (before) {
            region->end = start;
        } else if (behind) {
            region->node.key = end; /* its place in the order stays */
        } else {
            discard(space, region);
        }
    }
    unmap_pages(space, start, end);
    return 0;
}

static struct region *sparse_region(const char *who, const struct aspace *space, uintptr_t start,
                                    uintptr_t end)
{
    check_range(who, space, start, end);
    struct region *region = find(space, start);
    if (region == NULL || region->end < end || !(region->flags & ASPACE_SPARSE))
        panic("%s: [0x%lx, 0x%lx) lies in no sparse region", who, start, end);
    return region;
}

#define BACKED_AT_ONCE 16
#define MANY           4096 /* pages: from here on it pays to see first whether they are there */

/* Puts frames behind `count` pages. False changes nothing. */
static bool back_some(struct aspace *space, uintptr_t start, size_t count, unsigned flags)
{
    frame_t frames[BACKED_AT_ONCE];
    size_t taken = pmm_alloc_bulk(PMM_HEAP, (struct frame_request){0}, frames, count);
    if (taken == count && paging_map_frames(space->paging, start, frames, count, flags) == 0)
        return true;
    pmm_free_bulk(PMM_HEAP, frames, taken, 0);
    return false;
}

int aspace_back(struct aspace *space, uintptr_t start, uintptr_t end)
{
    unsigned flags = sparse_region("aspace_back", space, start, end)->flags & ~ASPACE_SPARSE;
    size_t count = (end - start) >> PAGE_SHIFT;
    if (count >= MANY && count > frame_free_count(pmm_frames()))
        return -ENOMEM; /* at once, not after all the memory there is */
    for (uintptr_t at = start; at < end; at += count * PAGE_SIZE) {
        count = bits_min((end - at) >> PAGE_SHIFT, BACKED_AT_ONCE);
        if (back_some(space, at, count, flags))
            continue;
        unmap_pages(space, start, at);
        return -ENOMEM;
    }
    return 0;
}

void aspace_drop(struct aspace *space, uintptr_t start, uintptr_t end)
{
    sparse_region("aspace_drop", space, start, end);
    unmap_pages(space, start, end);
}

/* Where the first hole at or above `start` begins, at most `end`. */
static uintptr_t covered_until(const struct aspace *space, uintptr_t start, uintptr_t end)
{
    const struct region *region = find(space, start);
    while (region != NULL && start < end) {
        start = region->end;
        region = find(space, start);
    }
    return start < end ? start : end;
}

/* Precondition: whole regions cover [start, end). They become one. */
static void set_flags(struct aspace *space, uintptr_t start, uintptr_t end, unsigned flags)
{
    for (uintptr_t at = start; at < end; at = find(space, at)->end)
        find(space, at)->flags = flags;
    while (find(space, start)->end < end)
        join(space, find(space, start)->end);
}

/* Precondition: regions cover [start, end). */
static int protect_covered(struct aspace *space, uintptr_t start, uintptr_t end, unsigned flags)
{
    int error = cut_ends(space, start, end);
    if (error != 0)
        return error;
    size_t missing = 0;
    if (flags != 0)
        missing = ((end - start) >> PAGE_SHIFT) - paging_count(space->paging, start, end - start);
    struct backing backing;
    error = back(space, &backing, start, end, missing);
    if (error == 0) {
        if (paging_protect(space->paging, start, end - start, flags) != 0)
            panic("aspace: large pages at 0x%lx where there are none", start);
        commit(space, &backing, flags);
        set_flags(space, start, end, flags);
    }
    join_ends(space, start, end);
    return error;
}

int aspace_protect(struct aspace *space, uintptr_t start, uintptr_t end, unsigned flags)
{
    check_range("aspace_protect", space, start, end);
    uintptr_t hole = covered_until(space, start, end);
    int error = hole > start ? protect_covered(space, start, hole, flags) : 0;
    if (error != 0)
        return error;
    return hole < end ? -ENOMEM : 0;
}

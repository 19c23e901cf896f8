/* SPDX-License-Identifier: MIT */
/* Takes address space and memory from the port, and keeps the books on both. */
#include "lib/alloc/heap_world.h"

#include "lib/alloc/heap.h"
#include "lib/alloc/heap_run.h"
#include "lib/bits.h"

#define GROW_SLICES      16 /* the arena grows by at least so many, */
#define GROW_SHARE       8  /* and by this share of what it has */
#define TABLE_MIN_LENGTH 64 /* descriptors: one page */

static size_t table_length(const struct heap_world *world)
{
    return heap_world_mask(world) / sizeof(struct heap_slice) + 1;
}

static void set_table_length(struct heap_world *world, size_t length)
{
    __atomic_store_n(&world->mask, (length - 1) * sizeof(struct heap_slice), __ATOMIC_RELEASE);
}

bool heap_world_init(struct heap_world *world, const struct heap_setup *setup)
{
    size_t most = (size_t)1 << bits_log2_up(setup->reserve / HEAP_SLICE_SIZE);
    bool may_double = bits_is_aligned(setup->arena, most * HEAP_SLICE_SIZE);
    size_t length = may_double && most > TABLE_MIN_LENGTH ? TABLE_MIN_LENGTH : most;
    *world = (struct heap_world){
        .arena = setup->arena,
        .end = setup->arena,
        .reserved = setup->arena + bits_round_down(setup->reserve, HEAP_SLICE_SIZE),
        .table = (struct heap_slice *)setup->table,
        .first = (setup->arena / HEAP_SLICE_SIZE) & (most - 1),
        .marks = (uint64_t *)setup->marks,
        .secret = HEAP_HARDEN ? setup->secret & ~(uint64_t)(HEAP_MIN_ALIGN - 1) : 0,
        .cap = setup->cap == 0 ? SIZE_MAX : setup->cap,
        .dirty = {HEAP_NO_SLICE, HEAP_NO_SLICE},
        .left_runs = HEAP_NO_SLICE,
    };
    set_table_length(world, length);
    return heap_port_extend_table(world, length * sizeof(struct heap_slice));
}

void heap_set_cap(struct heap_world *world, size_t cap)
{
    __atomic_store_n(&world->cap, cap == 0 ? SIZE_MAX : cap, __ATOMIC_RELAXED);
}

uint64_t heap_taken(const struct heap_world *world)
{
    return __atomic_load_n(&world->taken, __ATOMIC_RELAXED);
}

bool heap_world_take(struct heap_world *world, size_t bytes)
{
    size_t taken = __atomic_add_fetch(&world->taken, bytes, __ATOMIC_RELAXED);
    if (taken > __atomic_load_n(&world->cap, __ATOMIC_RELAXED)) {
        __atomic_sub_fetch(&world->taken, bytes, __ATOMIC_RELAXED);
        return false;
    }
    if (taken > __atomic_load_n(&world->taken_max, __ATOMIC_RELAXED))
        __atomic_store_n(&world->taken_max, taken, __ATOMIC_RELAXED);
    return true;
}

void heap_world_return(struct heap_world *world, size_t bytes)
{
    __atomic_sub_fetch(&world->taken, bytes, __ATOMIC_RELAXED);
}

/* --- the arena --- */

/* Makes the table long enough for an arena that ends at `end`. */
static bool cover(struct heap_world *world, uintptr_t end)
{
    size_t length = table_length(world);
    while (length < (end - world->arena) / HEAP_SLICE_SIZE)
        length *= 2;
    if (length == table_length(world))
        return true;
    if (!heap_port_extend_table(world, length * sizeof(struct heap_slice)))
        return false;
    heap_port_lock(world);
    if (length > table_length(world))
        set_table_length(world, length);
    heap_port_unlock(world);
    return true;
}

/* Address space that waits for descriptors, if it is at least `*bytes`; else 0. */
static uintptr_t take_spare(struct heap_world *world, size_t *bytes)
{
    heap_port_lock(world);
    uintptr_t start = world->spare_bytes >= *bytes ? world->spare : 0;
    if (start != 0) {
        *bytes = world->spare_bytes;
        world->spare_bytes = 0;
    }
    heap_port_unlock(world);
    return start;
}

/* Address space of at least `*bytes`: more, if there is more; 0 if there is none. */
static uintptr_t find_space(struct heap_world *world, size_t *bytes)
{
    uintptr_t start = take_spare(world, bytes);
    if (start != 0)
        return start;
    size_t have = __atomic_load_n(&world->end, __ATOMIC_RELAXED) - world->arena;
    size_t more = bits_max(GROW_SLICES * HEAP_SLICE_SIZE,
                           bits_round_down(have / GROW_SHARE, HEAP_SLICE_SIZE));
    if (more > *bytes)
        start = heap_port_extend(world, more);
    if (start == 0)
        return heap_port_extend(world, *bytes);
    *bytes = more;
    return start;
}

static void keep_space(struct heap_world *world, uintptr_t start, size_t bytes)
{
    heap_port_lock(world);
    if (bytes > world->spare_bytes) {
        world->spare = start;
        world->spare_bytes = bytes;
    }
    heap_port_unlock(world);
}

bool heap_world_grow(struct heap_world *world, size_t slices)
{
    size_t bytes = slices * HEAP_SLICE_SIZE;
    uintptr_t start = find_space(world, &bytes);
    if (start == 0)
        return false;
    if (!cover(world, start + bytes)) {
        keep_space(world, start, bytes);
        return false;
    }
    heap_port_lock(world);
    if (start + bytes > world->end)
        __atomic_store_n(&world->end, start + bytes, __ATOMIC_RELEASE);
    heap_run_give_locked(world, heap_slice_of(world, start), bytes / HEAP_SLICE_SIZE);
    heap_port_unlock(world);
    return true;
}

/* --- memory --- */

static bool commit(struct heap_world *world, uintptr_t start, size_t bytes)
{
    if (!heap_world_take(world, bytes))
        return false;
    if (!HEAP_COMMITS || heap_port_commit(world, start, bytes))
        return true;
    heap_world_return(world, bytes);
    return false;
}

/* The lowest run of set bits in `pages`: its first, and how many. */
static size_t first_pages(uint16_t pages, size_t *count)
{
    size_t first = bits_lowest(pages);
    *count = bits_lowest(~((uint64_t)pages >> first));
    return first;
}

static bool back_slice(struct heap_world *world, struct heap_slice *slice, uint16_t pages)
{
    pages &= (uint16_t)~slice->backed;
    while (pages != 0) {
        size_t count, first = first_pages(pages, &count);
        uintptr_t start = heap_slice_start(world, slice) + first * HEAP_PAGE;
        if (!commit(world, start, count * HEAP_PAGE))
            return false;
        slice->backed |= heap_page_mask(first, count);
        pages &= (uint16_t)~heap_page_mask(first, count);
    }
    return true;
}

bool heap_world_back(struct heap_world *world, struct heap_slice *slice, size_t first, size_t count)
{
    for (slice = heap_slice_after(world, slice, first / HEAP_SLICE_PAGES),
        first %= HEAP_SLICE_PAGES;
         count > 0; slice = heap_slice_after(world, slice, 1), first = 0) {
        size_t here = bits_min(count, HEAP_SLICE_PAGES - first);
        if (!back_slice(world, slice, heap_page_mask(first, here)))
            return false;
        count -= here;
    }
    return true;
}

size_t heap_world_purge(struct heap_world *world, struct heap_slice *slice, uint16_t pages)
{
    size_t purged = 0;
    pages &= slice->backed;
    slice->backed &= (uint16_t)~pages;
    while (pages != 0) {
        size_t count, first = first_pages(pages, &count);
        heap_port_purge(world, heap_slice_start(world, slice) + first * HEAP_PAGE,
                        count * HEAP_PAGE);
        heap_world_return(world, count * HEAP_PAGE);
        pages &= (uint16_t)~heap_page_mask(first, count);
        purged += count;
    }
    __atomic_add_fetch(&world->returned, purged * HEAP_PAGE, __ATOMIC_RELAXED);
    return purged;
}

/* SPDX-License-Identifier: MIT */
/* Takes runs of slices, or mappings, and makes one block of each. */
#include "lib/alloc/heap_large.h"

#include "lib/alloc/heap_huge.h"
#include "lib/alloc/heap_run.h"
#include "lib/alloc/heap_tick.h"
#include "lib/alloc/heap_world.h"
#include "lib/bits.h"
#include "lib/string.h"

/* Hardened builds: the last slice of a run faults. */
#define GUARD_SLICES (HEAP_HARDEN ? 1 : 0)

static size_t slices_for(size_t bytes)
{
    return (bytes + HEAP_SLICE_SIZE - 1) / HEAP_SLICE_SIZE + GUARD_SLICES;
}

/* Labels slices [from, to) behind `run` as its own. */
static void label(struct heap_world *world, struct heap_slice *run, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct heap_slice *slice = heap_slice_after(world, run, i);
        heap_set_kind(slice, HEAP_RUN_REST);
        slice->next = heap_slice_index(world, run);
    }
    heap_set_kind(run, HEAP_RUN);
    run->slices = (uint32_t)to;
}

/* `slices` in a row that start at a multiple of `align`, the rest given back. */
static struct heap_slice *take_aligned(struct heap_world *world, size_t slices, size_t align,
                                       size_t room)
{
    size_t more = align > HEAP_SLICE_SIZE ? align / HEAP_SLICE_SIZE - 1 : 0;
    struct heap_slice *run = heap_run_take(world, slices + more, room);
    if (run == NULL || more == 0)
        return run;
    uintptr_t start = heap_slice_start(world, run);
    size_t before = (bits_round_up(start, align) - start) / HEAP_SLICE_SIZE;
    if (before > 0)
        heap_run_give(world, run, before);
    run = heap_slice_after(world, run, before);
    if (more > before)
        heap_run_give(world, heap_slice_after(world, run, slices), more - before);
    return run;
}

static void guard(struct heap_world *world, const struct heap_slice *run, bool on)
{
    struct heap_slice *last = heap_slice_after(world, run, run->slices - 1);
    if (on)
        heap_world_purge(world, last, UINT16_MAX);
    heap_port_guard(world, heap_slice_start(world, last), HEAP_SLICE_SIZE, on);
}

/* Clears the pages of the block that have memory already; others come zero. */
static void clear_used_pages(struct heap_world *world, struct heap_slice *run, size_t pages)
{
    char *start = (char *)heap_slice_start(world, run);
    for (size_t page = 0; page < pages; page++) {
        const struct heap_slice *slice = heap_slice_after(world, run, page / HEAP_SLICE_PAGES);
        if ((slice->backed >> page % HEAP_SLICE_PAGES & 1) != 0)
            memset(start + page * HEAP_PAGE, 0, HEAP_PAGE);
    }
}

static void *run_alloc(struct heap_world *world, const struct heap_request *request, size_t bytes)
{
    size_t slices = slices_for(bytes);
    struct heap_slice *run =
        take_aligned(world, slices, request->align, request->will_grow ? slices : 0);
    if (run == NULL)
        return NULL;
    if (request->zero && HEAP_ZEROED)
        clear_used_pages(world, run, bytes / HEAP_PAGE);
    if (!heap_world_back(world, run, 0, bytes / HEAP_PAGE)) {
        heap_run_give(world, run, slices);
        return NULL;
    }
    label(world, run, 1, slices);
    if (HEAP_HARDEN)
        guard(world, run, true);
    run->bytes = bytes;
    run->asked = bytes;
    run->align = (uint8_t)bits_lowest(request->align);
    void *block = (void *)heap_slice_start(world, run);
    if (request->zero && !HEAP_ZEROED)
        memset(block, 0, bytes);
    return block;
}

static void *try_alloc(struct heap_world *world, const struct heap_request *request)
{
    size_t bytes = heap_large_bytes(request->size);
    size_t align = bits_max(request->align, HEAP_PAGE);
    void *block = bytes < HEAP_HUGE_MIN ? NULL : heap_huge_alloc(world, bytes, align);
    if (block == NULL)
        block = run_alloc(world, request, bytes);
    if (block == NULL && bytes < HEAP_HUGE_MIN)
        block = heap_huge_alloc(world, bytes, align);
    return block;
}

void *heap_large_alloc(struct heap *heap, const struct heap_request *request)
{
    if (heap->is_interrupt)
        return NULL;
    heap_large_free_left(heap->world);
    void *block = try_alloc(heap->world, request);
    if (block == NULL && heap_trim_before_failure(heap))
        block = try_alloc(heap->world, request);
    return block;
}

/* --- freeing --- */

static void free_run(struct heap_world *world, struct heap_slice *run)
{
    if (HEAP_HARDEN)
        guard(world, run, false);
    heap_run_give(world, run, run->slices);
}

/* Interrupt contexts leave runs and mappings to others. False if somebody was faster. */
static bool leave_run(struct heap_world *world, struct heap_slice *run)
{
    uint8_t kind = HEAP_RUN;
    if (!__atomic_compare_exchange_n(&run->kind, &kind, HEAP_RUN_LEFT, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return false;
    uint32_t first = __atomic_load_n(&world->left_runs, __ATOMIC_RELAXED);
    do
        run->next = first;
    while (!__atomic_compare_exchange_n(&world->left_runs, &first, heap_slice_index(world, run),
                                        true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return true;
}

void heap_large_free_left(struct heap_world *world)
{
    heap_huge_free_left(world);
    if (__atomic_load_n(&world->left_runs, __ATOMIC_RELAXED) == HEAP_NO_SLICE)
        return;
    uint32_t index = __atomic_exchange_n(&world->left_runs, HEAP_NO_SLICE, __ATOMIC_ACQUIRE);
    while (index != HEAP_NO_SLICE) {
        struct heap_slice *run = heap_slice_at(world, index);
        index = run->next;
        free_run(world, run);
    }
}

bool heap_large_free(struct heap *heap, struct heap_slice *run, uintptr_t address)
{
    struct heap_world *world = heap->world;
    if (heap->is_interrupt)
        return run == NULL ? heap_huge_leave(world, address) : leave_run(world, run);
    if (run == NULL)
        return heap_huge_free(world, address);
    free_run(world, run);
    return true;
}

/* --- resizing --- */

/* Takes `slices` behind the run: if it is the arena's last, or but for a free one, this may grow.
 */
static bool extend(struct heap_world *world, struct heap_slice *run, size_t slices)
{
    if (heap_run_extend(world, run, run->slices, slices))
        return true;
    return heap_run_ends_arena(world, run, run->slices) && heap_world_grow(world, slices) &&
           heap_run_extend(world, run, run->slices, slices);
}

static bool grow(struct heap_world *world, struct heap_slice *run, size_t slices, size_t bytes)
{
    size_t had = run->slices;
    if (slices > had && !extend(world, run, slices - had))
        return false;
    if (slices > had)
        label(world, run, had, slices);
    size_t first = run->bytes / HEAP_PAGE;
    if (heap_world_back(world, run, first, bytes / HEAP_PAGE - first))
        return true;
    if (slices > had)
        heap_run_give(world, heap_slice_after(world, run, had), slices - had);
    run->slices = (uint32_t)had;
    return false;
}

bool heap_large_resize(struct heap *heap, struct heap_slice *run, size_t size)
{
    size_t bytes = heap_large_bytes(size), slices = slices_for(bytes), had = run->slices;
    if (heap->is_interrupt)
        return bytes == run->bytes;
    if (HEAP_HARDEN && slices != had)
        return false;
    if (bytes > run->bytes && !grow(heap->world, run, slices, bytes))
        return false;
    run->bytes = bytes;
    run->asked = bytes;
    if (slices < had) {
        run->slices = (uint32_t)slices;
        heap_run_give(heap->world, heap_slice_after(heap->world, run, slices), had - slices);
    }
    return true;
}

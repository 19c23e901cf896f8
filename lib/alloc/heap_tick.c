/* SPDX-License-Identifier: MIT */
/*
 * Takes memory that has been free for long, and gives it back to the port: of free runs, oldest
 * first, what exceeds a budget; of slabs that nobody allocates from, the pages without live
 * objects.
 */
#include "lib/alloc/heap_tick.h"

#include "lib/alloc/heap.h"
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_remote.h"
#include "lib/alloc/heap_run.h"
#include "lib/alloc/heap_slab.h"
#include "lib/alloc/heap_world.h"
#include "lib/bits.h"

#define BUDGET_MIN   ((size_t)2 << 20) /* bytes that may stay dirty in any case, */
#define BUDGET_SHARE 8                 /* and as a share of what is in use */

static size_t dirty_bytes(const struct heap_world *world)
{
    return __atomic_load_n(&world->dirty_pages, __ATOMIC_RELAXED) * HEAP_PAGE;
}

static size_t budget(const struct heap_world *world)
{
    size_t taken = heap_taken(world), dirty = dirty_bytes(world);
    return bits_max(BUDGET_MIN, taken > dirty ? (taken - dirty) / BUDGET_SHARE : 0);
}

/* Gives back at least `pages` of one free run, its end first; all it has if that is less. */
static size_t purge_run(struct heap_world *world, struct heap_slice *run, size_t slices,
                        size_t pages)
{
    size_t purged = 0;
    for (size_t i = slices; i > 0 && purged < pages; i--)
        purged += heap_world_purge(world, heap_slice_after(world, run, i - 1), UINT16_MAX);
    heap_run_give(world, run, slices);
    return purged;
}

/* Gives back dirty memory above `keep` bytes that has been free since `since` or before. */
static size_t purge_runs(struct heap_world *world, size_t keep, uint64_t since)
{
    size_t purged = 0;
    for (;;) {
        size_t slices, dirty = dirty_bytes(world);
        if (dirty <= keep)
            return purged;
        struct heap_slice *run = heap_run_take_dirty(world, since, &slices);
        if (run == NULL)
            return purged;
        purged += purge_run(world, run, slices, (dirty - keep) / HEAP_PAGE + 1);
    }
}

/* --- slabs --- */

typedef size_t visit_slab(struct heap *heap, struct heap_slice *slab);

/* Visits all queued slabs; a visit may take its slab out of the queue. Returns the sum. */
static size_t visit_queues(struct heap *heap, visit_slab *visit)
{
    size_t sum = 0;
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        uint32_t index = heap->queue[i].first;
        while (index != HEAP_NO_SLICE) {
            struct heap_slice *slab = heap_slice_at(heap->world, index);
            index = slab->next;
            sum += visit(heap, slab);
        }
    }
    return sum;
}

static size_t absorb(struct heap *heap, struct heap_slice *slab)
{
    heap_slab_absorb(heap, slab);
    return 0;
}

static size_t count_free(struct heap *heap, struct heap_slice *slab)
{
    (void)heap;
    return (size_t)(slab->linked - slab->used) * heap_class_size(slab->size_class);
}

/* Objects of queued slabs are not given out, so one whose count stays has been left alone. */
static size_t purge_if_idle(struct heap *heap, struct heap_slice *slab)
{
    bool is_idle = slab->seen == slab->used;
    slab->seen = slab->used;
    return is_idle ? heap_slab_purge(heap, slab) : 0;
}

void heap_collect(struct heap *heap)
{
    heap_remote_flush(heap);
    if (!heap->is_interrupt)
        heap_large_free_left(heap->world);
    heap_slab_take_woken(heap);
    visit_queues(heap, absorb);
}

/* A parked heap has nobody who looks after it; so one at a time is taken in for a moment. */
static void tick_parked(struct heap_world *world)
{
    if (__atomic_load_n(&world->parked, __ATOMIC_RELAXED) == NULL)
        return;
    struct heap *parked = heap_adopt(world);
    if (parked == NULL)
        return;
    visit_queues(parked, purge_if_idle);
    heap_park(parked);
}

void heap_tick(struct heap *heap, uint64_t now)
{
    if (now - heap->ticked < HEAP_IDLE_MS)
        return;
    heap->ticked = now;
    heap_collect(heap);
    if (visit_queues(heap, count_free) > budget(heap->world))
        visit_queues(heap, purge_if_idle);
    tick_parked(heap->world);
    if (now >= HEAP_IDLE_MS)
        purge_runs(heap->world, budget(heap->world), now - HEAP_IDLE_MS);
}

void heap_tick_now(struct heap *heap)
{
    uint64_t now = heap_port_clock(heap->world);
    if (heap->ticked == 0)
        heap->ticked = now; /* a new heap has nothing old */
    heap_tick(heap, now);
}

size_t heap_trim(struct heap *heap)
{
    heap_collect(heap);
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        heap_slab_unload(heap, i);
    heap_slab_drop_stash(heap);
    size_t pages = visit_queues(heap, heap_slab_purge);
    pages += purge_runs(heap->world, 0, UINT64_MAX);
    return pages * HEAP_PAGE;
}

/* SPDX-License-Identifier: MIT */
/* A heap's life: made, parked when its thread ends, adopted by another; and what fork does to it.
 */
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_queue.h"
#include "lib/alloc/heap_remote.h"
#include "lib/alloc/heap_run.h"
#include "lib/alloc/heap_slab.h"
#include "lib/alloc/heap_world.h"

/* What every address leads to as long as there is no heap: nobody's. */
static struct heap_slice no_slice;

struct heap heap_none = {
    .list = {[0 ... HEAP_CLASSES - 1] = (uintptr_t)&heap_none.nil},
    .table = &no_slice,
    .woken = HEAP_NO_SLICE,
};

void heap_init(struct heap *heap, struct heap_world *world)
{
    *heap = (struct heap){.table = world->table, .mask = heap_world_mask(world), .world = world};
    heap->woken = HEAP_NO_SLICE;
    heap->random = ((uintptr_t)heap ^ world->secret) | 1;
    heap_queue_init(&heap->stash);
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        heap->list[i] = (uintptr_t)&heap->nil;
        heap_queue_init(&heap->queue[i]);
    }
    heap_class_init(heap, false);
    heap_port_lock(world);
    heap->next_heap = world->heaps;
    world->heaps = heap;
    heap_port_unlock(world);
}

void heap_park(struct heap *heap)
{
    heap_collect(heap);
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        heap_slab_unload(heap, i);
    heap_slab_drop_stash(heap);
    struct heap_world *world = heap->world;
    heap_port_lock(world);
    heap->next_parked = world->parked;
    __atomic_store_n(&world->parked, heap, __ATOMIC_RELAXED);
    heap_port_unlock(world);
}

struct heap *heap_adopt(struct heap_world *world)
{
    heap_port_lock(world);
    struct heap *heap = world->parked;
    if (heap != NULL)
        __atomic_store_n(&world->parked, heap->next_parked, __ATOMIC_RELAXED);
    heap_port_unlock(world);
    if (heap != NULL)
        heap_collect(heap);
    return heap;
}

bool heap_reserve(struct heap *heap, size_t slices)
{
    struct heap_world *world = heap->world;
    if (!heap->is_interrupt)
        heap_class_init(heap, true);
    heap->is_interrupt = true;
    for (; slices > 0; slices--) {
        struct heap_slice *slice = heap_run_take(world, 1, 0);
        if (slice == NULL)
            return false;
        if (!heap_world_back(world, slice, 0, HEAP_SLICE_PAGES)) {
            heap_run_give(world, slice, 1);
            return false;
        }
        heap_set_kind(slice, HEAP_STASHED);
        heap_queue_push(world, &heap->stash, slice);
        heap->stashed++;
    }
    return true;
}

bool heap_unreserve(struct heap *heap, size_t keep)
{
    if (heap->stashed <= keep)
        return false;
    heap->stashed--;
    heap_run_give(heap->world, heap_queue_pop(heap->world, &heap->stash), 1);
    return true;
}

void heap_fork_prepare(struct heap_world *world)
{
    heap_port_lock(world);
}

void heap_fork_parent(struct heap_world *world)
{
    heap_port_unlock(world);
}

void heap_fork_child(struct heap_world *world)
{
    heap_port_reset_lock(world);
}

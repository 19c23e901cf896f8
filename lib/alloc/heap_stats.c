/* SPDX-License-Identifier: MIT */
/* Takes a world and counts what is in it, slice by slice. */
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_class.h"
#include "lib/bits.h"

static void count_slab(struct heap_stats *stats, const struct heap_slice *slab)
{
    struct heap_class_stats *class = &stats->classes[slab->size_class];
    class->slabs++;
    class->capacity += heap_class_capacity(slab->size_class);
    class->used += slab->place == HEAP_ASLEEP ? slab->linked : slab->used;
}

static void count_slice(struct heap_stats *stats, const struct heap_slice *slice)
{
    if (heap_kind(slice) == HEAP_SLAB)
        count_slab(stats, slice);
    if (heap_kind(slice) != HEAP_RUN)
        return;
    stats->runs++;
    stats->run_bytes += slice->bytes;
}

void heap_stats(struct heap_world *world, struct heap_stats *stats)
{
    *stats = (struct heap_stats){0};
    heap_port_lock(world);
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        stats->classes[i].size = heap_class_size(i);
    for (uintptr_t at = world->arena; at < world->end; at += HEAP_SLICE_SIZE)
        count_slice(stats, heap_slice_of(world, at));
    stats->huge = world->huge_count;
    stats->huge_bytes = world->huge_bytes;
    stats->arena_bytes = world->end - world->arena;
    stats->free_bytes = world->free_slices * HEAP_SLICE_SIZE;
    stats->dirty_bytes = world->dirty_pages * HEAP_PAGE;
    heap_port_unlock(world);
    size_t table = heap_world_mask(world) + sizeof(struct heap_slice);
    stats->metadata_bytes = bits_round_up(table, HEAP_PAGE) +
                            (HEAP_CHECKED ? bits_round_up(table * 8, HEAP_PAGE) : 0) +
                            __atomic_load_n(&world->record_bytes, __ATOMIC_RELAXED);
    stats->taken = heap_taken(world);
    stats->taken_max = __atomic_load_n(&world->taken_max, __ATOMIC_RELAXED);
    stats->returned = __atomic_load_n(&world->returned, __ATOMIC_RELAXED);
    stats->wakes = __atomic_load_n(&world->wakes, __ATOMIC_RELAXED);
}

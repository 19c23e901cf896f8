/* SPDX-License-Identifier: MIT */
/* Takes slices that nobody uses and gives out runs of them; heap_run.h says how. */
#include "lib/alloc/heap_run.h"

#include "lib/alloc/heap_queue.h"
#include "lib/alloc/heap_world.h"
#include "lib/bits.h"
#include "lib/list.h"

static size_t dirty_pages(const struct heap_world *world, const struct heap_slice *first,
                          size_t slices)
{
    size_t pages = 0;
    for (size_t i = 0; i < slices; i++)
        pages += bits_count(heap_slice_after(world, first, i)->backed);
    return pages;
}

static void set_kind(const struct heap_world *world, struct heap_slice *first, size_t slices,
                     enum heap_kind kind)
{
    for (size_t i = 0; i < slices; i++)
        heap_set_kind(heap_slice_after(world, first, i), kind);
}

/* Makes slices, which are HEAP_FREE_REST, a free run. `is_dirty`: some may have memory. */
static void insert(struct heap_world *world, struct heap_slice *first, size_t slices, bool is_dirty,
                   uint64_t since)
{
    struct heap_slice *last = heap_slice_after(world, first, slices - 1);
    last->next = heap_slice_index(world, first);
    heap_set_kind(first, HEAP_FREE);
    first->node.key = (slices << 32) | heap_slice_number(world, first);
    tree_insert(&world->free_runs, &first->node);
    first->since = since;
    first->place = is_dirty;
    if (is_dirty)
        heap_queue_push(world, &world->dirty, first);
}

/* A run is as long as both of its ends say, or else others would be given out with it. */
static void expect_sound(const struct heap_world *world, const struct heap_slice *run)
{
    size_t slices = heap_run_slices(run), number = heap_slice_number(world, run);
    size_t all = (world->end - world->arena) / HEAP_SLICE_SIZE;
    const struct heap_slice *last = heap_slice_after(world, run, slices - 1);
    if (heap_slice_of(world, heap_slice_start(world, run)) != run ||
        !bits_is_power_of_two(heap_world_mask(world) + sizeof *run) ||
        (uint32_t)run->node.key != number || slices - 1 >= all - number ||
        (last != run &&
         (heap_kind(last) != HEAP_FREE_REST || last->next != heap_slice_index(world, run))))
        heap_port_panic(NULL, NULL, "the free run at %p is damaged: it ends where no run does",
                        (void *)heap_slice_start(world, run));
}

static void remove(struct heap_world *world, struct heap_slice *run)
{
    expect_sound(world, run);
    tree_remove(&world->free_runs, &run->node);
    heap_set_kind(run, HEAP_FREE_REST);
    if (run->place)
        heap_queue_remove(world, &world->dirty, run);
}

/* The free run that ends where `first` starts, or NULL. */
static struct heap_slice *run_before(const struct heap_world *world, struct heap_slice *first)
{
    if (heap_slice_number(world, first) == 0)
        return NULL;
    struct heap_slice *before = heap_slice_after(world, first, SIZE_MAX);
    if (heap_kind(before) == HEAP_FREE)
        return before;
    return heap_kind(before) == HEAP_FREE_REST ? heap_slice_at(world, before->next) : NULL;
}

/* The free run that starts `slices` behind `first`, or NULL. */
static struct heap_slice *run_behind(const struct heap_world *world, struct heap_slice *first,
                                     size_t slices)
{
    uintptr_t address = heap_slice_start(world, first) + slices * HEAP_SLICE_SIZE;
    if (address == world->end)
        return NULL;
    struct heap_slice *behind = heap_slice_after(world, first, slices);
    return heap_kind(behind) == HEAP_FREE ? behind : NULL;
}

void heap_run_give_locked(struct heap_world *world, struct heap_slice *first, size_t slices)
{
    size_t dirty = dirty_pages(world, first, slices);
    bool is_dirty = dirty != 0;
    uint64_t since = is_dirty ? heap_port_clock(world) : 0;
    world->free_slices += slices;
    __atomic_add_fetch(&world->dirty_pages, dirty, __ATOMIC_RELAXED);
    set_kind(world, first, slices, HEAP_FREE_REST);
    struct heap_slice *neighbours[] = {run_before(world, first), run_behind(world, first, slices)};
    for (int i = 0; i < 2; i++) {
        struct heap_slice *run = neighbours[i];
        if (run == NULL)
            continue;
        remove(world, run);
        slices += heap_run_slices(run);
        is_dirty |= run->place;
        since = bits_max(since, run->since);
    }
    insert(world, neighbours[0] != NULL ? neighbours[0] : first, slices, is_dirty, since);
}

void heap_run_give(struct heap_world *world, struct heap_slice *first, size_t slices)
{
    heap_port_lock(world);
    heap_run_give_locked(world, first, slices);
    heap_port_unlock(world);
}

/* Takes the first `slices` of a free run. */
static void take_front(struct heap_world *world, struct heap_slice *run, size_t slices)
{
    size_t length = heap_run_slices(run);
    remove(world, run);
    if (slices < length)
        insert(world, heap_slice_after(world, run, slices), length - slices, run->place,
               run->since);
    set_kind(world, run, slices, HEAP_TAKEN);
    world->free_slices -= slices;
    __atomic_sub_fetch(&world->dirty_pages, dirty_pages(world, run, slices), __ATOMIC_RELAXED);
}

static struct heap_slice *find(const struct heap_world *world, size_t slices)
{
    struct tree_node *node = tree_at_or_above(world->free_runs, slices << 32);
    return node == NULL ? NULL : container_of(node, struct heap_slice, node);
}

static struct heap_slice *try_take(struct heap_world *world, size_t slices, size_t room)
{
    heap_port_lock(world);
    struct heap_slice *run = find(world, slices + room);
    if (run == NULL)
        run = find(world, slices);
    if (run != NULL)
        take_front(world, run, slices);
    heap_port_unlock(world);
    return run;
}

struct heap_slice *heap_run_take(struct heap_world *world, size_t slices, size_t room)
{
    struct heap_slice *run = try_take(world, slices, room);
    while (run == NULL && heap_world_grow(world, slices))
        run = try_take(world, slices, room);
    return run;
}

bool heap_run_extend(struct heap_world *world, struct heap_slice *first, size_t length,
                     size_t slices)
{
    heap_port_lock(world);
    struct heap_slice *behind = run_behind(world, first, length);
    bool fits = behind != NULL && heap_run_slices(behind) >= slices;
    if (fits)
        take_front(world, behind, slices);
    heap_port_unlock(world);
    return fits;
}

bool heap_run_ends_arena(struct heap_world *world, struct heap_slice *first, size_t length)
{
    heap_port_lock(world);
    struct heap_slice *behind = run_behind(world, first, length);
    if (behind != NULL)
        length += heap_run_slices(behind);
    bool ends = heap_slice_start(world, first) + length * HEAP_SLICE_SIZE == world->end;
    heap_port_unlock(world);
    return ends;
}

struct heap_slice *heap_run_take_dirty(struct heap_world *world, uint64_t since, size_t *slices)
{
    heap_port_lock(world);
    struct heap_slice *run = NULL;
    if (!heap_queue_is_empty(&world->dirty))
        run = heap_slice_at(world, world->dirty.first);
    if (run != NULL && run->since > since)
        run = NULL;
    if (run != NULL) {
        *slices = heap_run_slices(run);
        take_front(world, run, *slices);
    }
    heap_port_unlock(world);
    return run;
}

/* SPDX-License-Identifier: MIT */
/*
 * The checker of the heap: visits every slice, every list and queue and every huge block, and says,
 * as a sentence each, which equation of heap_slab.h, heap_run.h and heap_huge.h does not hold.
 * Follows no link before having seen that it leads to where it should.
 */
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_huge.h"
#include "lib/alloc/heap_run.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/list.h"

struct sums {
    size_t free_slices, dirty_pages, taken;
    size_t placed; /* slabs that are current or queued... */
    size_t found;  /* ...and those found so in their owners */
};

static size_t number(const struct heap_world *world, const struct heap_slice *slice)
{
    return heap_slice_number(world, slice);
}

/* --- slabs --- */

/* How many objects of `slab` the list has that starts with `first`; says where it goes astray. */
static size_t check_list(struct check *check, const struct heap_world *world,
                         const struct heap_slice *slab, uintptr_t first, const char *name)
{
    size_t length = 0;
    while (first != 0) {
        bool is_object = heap_slice_of(world, first) == slab && heap_is_object(slab, first);
        check_expect(check, is_object, "the %s of slab %zu leads to %p, which is no object of it",
                     name, number(world, slab), (void *)first);
        check_expect(check, length < slab->linked, "the %s of slab %zu does not end", name,
                     number(world, slab));
        if (!is_object || length >= slab->linked)
            return length;
        length++;
        first = heap_link(world, first, *(const uintptr_t *)first);
    }
    return length;
}

static size_t count_unlinked(const struct heap_world *world, const struct heap_slice *slab)
{
    const struct heap *heap = slab->owner;
    uint32_t size = heap_class_size(slab->size_class);
    uintptr_t base = heap_slice_start(world, slab);
    size_t count = 0;
    for (uintptr_t object = slab->start; object < base + HEAP_SLICE_SIZE; object += size) {
        size_t page = (object - base) / HEAP_PAGE, last = (object + size - 1 - base) / HEAP_PAGE;
        bool waits = false;
        for (; page <= last; page++)
            waits |= (slab->uncarved >> page & 1) != 0;
        bool is_bumped = heap->current[slab->size_class] == slab &&
                         object >= heap->bump[slab->size_class] &&
                         object < heap->bump_end[slab->size_class];
        count += waits || is_bumped;
    }
    return count;
}

static bool is_heap(const struct heap_world *world, const struct heap *wanted)
{
    const struct heap *heap = world->heaps;
    while (heap != NULL && heap != wanted)
        heap = heap->next_heap;
    return heap != NULL;
}

static void check_slab(struct check *check, const struct heap_world *world,
                       const struct heap_slice *slab, struct sums *sums)
{
    size_t at = number(world, slab);
    sums->placed += slab->place == HEAP_CURRENT || slab->place == HEAP_QUEUED;
    bool has_class = slab->size_class < HEAP_CLASSES && is_heap(world, slab->owner);
    check_expect(check, has_class, "slab %zu has no owner, or class %u, which does not exist", at,
                 slab->size_class);
    if (!has_class)
        return;
    uint32_t size = heap_class_size(slab->size_class);
    bool starts = slab->start == heap_slice_start(world, slab) + HEAP_SLICE_SIZE % size &&
                  slab->reciprocal == UINT64_MAX / size + 2;
    check_expect(check, starts, "slab %zu of %u-byte blocks starts elsewhere", at, size);
    if (!starts)
        return;
    size_t linked = heap_class_capacity(slab->size_class) - count_unlinked(world, slab);
    check_expect(check, slab->linked == linked, "slab %zu counts %u linked objects, it has %zu", at,
                 slab->linked, linked);
    size_t free = check_list(check, world, slab, slab->free, "free list");
    size_t used = slab->place == HEAP_ASLEEP ? slab->linked - slab->free : slab->used;
    check_expect(check, slab->place != HEAP_ASLEEP || (slab->used == 1 && slab->free == 0),
                 "slab %zu sleeps, but has free objects", at);
    check_expect(check, used + free == slab->linked,
                 "slab %zu has %zu objects in use and %zu free, of %u", at, used, free,
                 slab->linked);
    uintptr_t remote = slab->remote & ~HEAP_WAKE_ME;
    size_t returned = check_list(check, world, slab, remote, "remote list");
    check_expect(check, returned <= used, "slab %zu has %zu objects in use, %zu came back", at,
                 used, returned);
    check_expect(check, (slab->remote & HEAP_WAKE_ME) == 0 || slab->place == HEAP_ASLEEP,
                 "slab %zu is awake, but asks to be woken", at);
}

/* --- runs --- */

static void check_block(struct check *check, const struct heap_world *world,
                        const struct heap_slice *run)
{
    size_t at = number(world, run), all = (world->end - world->arena) / HEAP_SLICE_SIZE;
    bool fits = run->slices != 0 && run->slices <= all - at && run->bytes != 0 &&
                run->bytes <= run->slices * HEAP_SLICE_SIZE && run->asked <= run->bytes;
    for (size_t i = 1; fits && i < run->slices; i++) {
        const struct heap_slice *slice = heap_slice_after(world, run, i);
        fits = heap_kind(slice) == HEAP_RUN_REST && heap_slice_at(world, slice->next) == run;
    }
    check_expect(check, fits, "the large block at slice %zu does not fit its slices", at);
}

static void check_run(struct check *check, const struct heap_world *world,
                      const struct heap_slice *run, size_t slices, struct sums *sums)
{
    size_t at = number(world, run), dirty = 0;
    for (size_t i = 0; i < slices; i++) {
        const struct heap_slice *slice = heap_slice_after(world, run, i);
        dirty += bits_count(slice->backed);
        check_expect(check, heap_kind(slice) == (i == 0 ? HEAP_FREE : HEAP_FREE_REST),
                     "slice %zu is not free, but in the free run at %zu", at + i, at);
    }
    const struct heap_slice *last = heap_slice_after(world, run, slices - 1);
    check_expect(check, last == run || heap_slice_at(world, last->next) == run,
                 "the last slice of the free run at %zu does not know the first", at);
    check_expect(check, dirty == 0 || run->place == 1,
                 "the free run at %zu has memory, but is not in the queue", at);
    sums->free_slices += slices;
    sums->dirty_pages += dirty;
}

static void check_runs(struct check *check, const struct heap_world *world, struct sums *sums)
{
    bool is_sound = tree_is_sound(world->free_runs);
    check_expect(check, is_sound, "the tree of free runs is not sound");
    struct tree_node *node = is_sound ? tree_at_or_above(world->free_runs, 0) : NULL;
    for (; node != NULL; node = tree_at_or_above(world->free_runs, node->key + 1)) {
        const struct heap_slice *run = container_of(node, struct heap_slice, node);
        size_t slices = heap_run_slices(run), at = number(world, run);
        size_t all = (world->end - world->arena) / HEAP_SLICE_SIZE;
        bool is_within = slices != 0 && at + slices <= all && (uint32_t)node->key == at;
        check_expect(check, is_within, "the free run at %zu of %zu slices is not in the arena", at,
                     slices);
        if (!is_within)
            continue;
        check_run(check, world, run, slices, sums);
        bool touches =
            at + slices < all && heap_kind(heap_slice_after(world, run, slices)) == HEAP_FREE;
        check_expect(check, !touches, "the free runs at %zu and %zu should have coalesced", at,
                     at + slices);
    }
    check_expect(check, sums->free_slices == world->free_slices,
                 "%zu slices are counted free, there are %zu", world->free_slices,
                 sums->free_slices);
    check_expect(check, sums->dirty_pages == world->dirty_pages,
                 "%zu pages are counted dirty, there are %zu", world->dirty_pages,
                 sums->dirty_pages);
}

/* --- queues --- */

typedef bool belongs(const struct heap_slice *slice, const void *argument);

/* Follows a queue whose members `belongs` tells, and counts them. */
static size_t check_queue(struct check *check, const struct heap_world *world,
                          const struct heap_queue *queue, belongs *is_member, const void *argument,
                          const char *name)
{
    uint32_t prev = HEAP_NO_SLICE, index = queue->first;
    size_t length = (world->mask >> 6) + 1;
    size_t steps = 0;
    for (; index != HEAP_NO_SLICE; steps++) {
        bool is_good = index < length && steps < length &&
                       heap_slice_at(world, index)->prev == prev &&
                       is_member(heap_slice_at(world, index), argument);
        check_expect(check, is_good, "the queue of %s is broken at slice %u", name, index);
        if (!is_good)
            return steps;
        prev = index;
        index = heap_slice_at(world, index)->next;
    }
    check_expect(check, queue->last == prev, "the queue of %s does not end where it should", name);
    return steps;
}

static bool is_dirty_run(const struct heap_slice *slice, const void *argument)
{
    (void)argument;
    return heap_kind(slice) == HEAP_FREE && slice->place == 1;
}

static bool is_stashed(const struct heap_slice *slice, const void *argument)
{
    (void)argument;
    return heap_kind(slice) == HEAP_STASHED;
}

struct member {
    const struct heap *heap;
    unsigned class_index;
};

static bool is_queued(const struct heap_slice *slice, const void *argument)
{
    const struct member *member = argument;
    return heap_kind(slice) == HEAP_SLAB && slice->place == HEAP_QUEUED &&
           slice->owner == member->heap && slice->size_class == member->class_index;
}

/* How many slabs of the class the heap has at hand. */
static size_t check_class(struct check *check, const struct heap *heap, unsigned index)
{
    const struct heap_slice *slab = heap->current[index];
    bool is_sound = slab == NULL || (heap_kind(slab) == HEAP_SLAB && slab->owner == heap &&
                                     slab->size_class == index && slab->place == HEAP_CURRENT);
    check_expect(check, is_sound, "the current slab of class %u is not one", index);
    uintptr_t list = heap->list[index] == (uintptr_t)&heap->nil ? 0 : heap->list[index];
    check_expect(check, slab != NULL || list == 0, "class %u has a list, but no slab", index);
    if (is_sound && slab != NULL) {
        bool is_bump_sound = heap->bump[index] == heap->bump_end[index] ||
                             (heap->bump[index] < heap->bump_end[index] &&
                              heap->bump_end[index] - slab->start <= HEAP_SLICE_SIZE);
        check_expect(check, is_bump_sound, "class %u has objects to link that its slab has not",
                     index);
        size_t ready = check_list(check, heap->world, slab, list, "list");
        check_expect(check, ready <= slab->used, "class %u has %zu objects ready, %u in use", index,
                     ready, slab->used);
    }
    struct member member = {heap, index};
    return (slab != NULL) +
           check_queue(check, heap->world, &heap->queue[index], is_queued, &member, "a class");
}

/* --- huge blocks --- */

static void check_huge(struct check *check, const struct heap_world *world)
{
    bool is_sound = tree_is_sound(world->huge);
    check_expect(check, is_sound, "the tree of huge blocks is not sound");
    uint64_t count = 0, bytes = 0;
    uintptr_t end = 0;
    const struct tree_node *node = is_sound ? tree_at_or_above(world->huge, 0) : NULL;
    for (; node != NULL; node = tree_at_or_above(world->huge, node->key + 1)) {
        const struct heap_huge *record = container_of(node, struct heap_huge, node);
        check_expect(check, record->bytes != 0 && bits_is_aligned(record->bytes, HEAP_PAGE),
                     "the huge block at %p has %zu bytes, not whole pages", (void *)node->key,
                     record->bytes);
        check_expect(
            check, bits_is_power_of_two(record->align) && bits_is_aligned(node->key, record->align),
            "the huge block at %p is not aligned to %zu", (void *)node->key, record->align);
        check_expect(check, node->key >= end, "the huge block at %p overlaps the one before",
                     (void *)node->key);
        end = node->key + record->bytes;
        count++;
        bytes += record->bytes;
    }
    check_expect(check, count == world->huge_count && bytes == world->huge_bytes,
                 "%lu huge blocks of %lu bytes are counted, there are %lu of %lu",
                 world->huge_count, world->huge_bytes, count, bytes);
}

/* --- all of it --- */

/* Everything else is found by these. */
static bool check_shape(struct check *check, const struct heap_world *world)
{
    size_t length = world->mask / sizeof(struct heap_slice) + 1;
    bool is_sound = bits_is_power_of_two(world->mask + sizeof(struct heap_slice)) &&
                    bits_is_aligned(world->arena | world->end, HEAP_SLICE_SIZE) &&
                    world->arena <= world->end && world->end <= world->reserved &&
                    (world->end - world->arena) / HEAP_SLICE_SIZE <= length &&
                    ((world->arena / HEAP_SLICE_SIZE - world->first) & (length - 1)) == 0;
    check_expect(check, is_sound, "the arena from %p to %p does not fit its table of %zu slices",
                 (void *)world->arena, (void *)world->end, length);
    return is_sound;
}

static void check_slices(struct check *check, const struct heap_world *world, struct sums *sums)
{
    for (uintptr_t at = world->arena; at < world->end; at += HEAP_SLICE_SIZE) {
        const struct heap_slice *slice = heap_slice_of(world, at);
        sums->taken += bits_count(slice->backed) * HEAP_PAGE;
        if (heap_kind(slice) == HEAP_SLAB)
            check_slab(check, world, slice, sums);
        if (heap_kind(slice) == HEAP_RUN)
            check_block(check, world, slice);
    }
}

static void check_heaps(struct check *check, const struct heap_world *world, struct sums *sums)
{
    for (const struct heap *heap = world->heaps; heap != NULL; heap = heap->next_heap) {
        for (unsigned i = 0; i < HEAP_CLASSES; i++)
            sums->found += check_class(check, heap, i);
        check_queue(check, world, &heap->stash, is_stashed, NULL, "stashed slices");
    }
    check_expect(check, sums->placed == sums->found,
                 "%zu slabs say that their owners have them at hand, %zu are", sums->placed,
                 sums->found);
}

size_t heap_check(struct heap_world *world, check_report *report)
{
    struct check check = {.report = report};
    struct sums sums = {0};
    if (!check_shape(&check, world))
        return check.violations;
    check_runs(&check, world, &sums);
    check_queue(&check, world, &world->dirty, is_dirty_run, NULL, "dirty runs");
    check_slices(&check, world, &sums);
    check_heaps(&check, world, &sums);
    check_huge(&check, world);
    sums.taken += world->huge_bytes + world->record_bytes;
    for (const struct heap_huge *left = world->left_huge; left != NULL; left = left->next)
        sums.taken += left->bytes;
    check_expect(&check, sums.taken == world->taken,
                 "%zu bytes are counted as taken, there are %zu", world->taken, sums.taken);
    return check.violations;
}

/* SPDX-License-Identifier: MIT */
/*
 * The checker of the heap: visits every slice, every list of slabs and every large block, and says,
 * as a sentence each, which equation of heap_slab.h and heap.h does not hold. Follows no link
 * before having seen that it leads to a descriptor or a record.
 */
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"

/* The first byte of [start, end) that does not have the fill of free memory, or `end`. */
static const unsigned char *first_written(const unsigned char *start, const unsigned char *end)
{
    while (start < end && *start == HEAP_FILL_FREE)
        start++;
    return start;
}

static void check_fill(struct check *check, uintptr_t start, uintptr_t end)
{
    const unsigned char *byte =
        first_written((const unsigned char *)start, (const unsigned char *)end);
    check_expect(check, (uintptr_t)byte == end, "free memory at %p was written",
                 (const void *)byte);
}

static void check_slab_fill(struct check *check, const struct heap *heap,
                            const struct heap_slice *slab)
{
    const struct heap_class *class = &heap->classes[slab->class];
    uintptr_t slab_start = heap_slice_start(slab);
    uintptr_t object = slab_start;
    for (uint32_t i = 0; i < class->capacity; i++, object += class->size)
        if (!bits_test(slab->map, i))
            check_fill(check, object, object + class->size);
    check_fill(check, object, slab_start + HEAP_SLICE_SIZE);
}

static unsigned count_bits(const struct heap_slice *slab, size_t from, size_t to)
{
    unsigned count = 0;
    for (size_t i = from; i < to; i++)
        count += bits_test(slab->map, i);
    return count;
}

static void check_map(struct check *check, const struct heap *heap, const struct heap_slice *slab)
{
    const struct heap_class *class = &heap->classes[slab->class];
    size_t index = (size_t)(slab - heap_slice_at(0));
    unsigned used = count_bits(slab, 0, class->capacity);
    check_expect(check, used == slab->used, "slab %zu counts %u objects in use, its map has %u",
                 index, slab->used, used);
    check_expect(check, count_bits(slab, class->capacity, HEAP_MAP_WORDS * 64) == 0,
                 "slab %zu has objects in use behind its last one", index);
    bool hint_holds = slab->hint < HEAP_MAP_WORDS;
    for (uint32_t word = 0; hint_holds && word < slab->hint; word++)
        hint_holds = slab->map[word] == UINT64_MAX;
    check_expect(check, hint_holds, "slab %zu has a free object below its hint", index);
}

static void check_slab(struct check *check, const struct heap *heap, const struct heap_slice *slab)
{
    size_t index = (size_t)(slab - heap_slice_at(0));
    check_expect(check, slab->class <= HEAP_RECORDS, "slab %zu has class %u, which does not exist",
                 index, slab->class);
    if (slab->class > HEAP_RECORDS)
        return;
    check_expect(check,
                 bits_is_power_of_two(slab->align) && slab->align >= HEAP_MIN_ALIGN &&
                     bits_is_aligned(heap->classes[slab->class].size, slab->align),
                 "slab %zu of class %u cannot have alignment %u", index, slab->class, slab->align);
    check_map(check, heap, slab);
    if (HEAP_DEBUG)
        check_slab_fill(check, heap, slab);
}

static void check_slices(struct check *check, const struct heap *heap)
{
    size_t free = 0, first_free = heap->slices;
    for (size_t i = heap->slices; i > 0; i--) {
        const struct heap_slice *slice = heap_slice_at(i - 1);
        if (slice->used != 0) {
            check_slab(check, heap, slice);
            continue;
        }
        free++;
        first_free = i - 1;
        if (HEAP_DEBUG)
            check_fill(check, heap_slice_start(slice), heap_slice_start(slice) + HEAP_SLICE_SIZE);
    }
    check_expect(check, free == heap->free_slices, "%zu slices are counted free, there are %zu",
                 heap->free_slices, free);
    check_expect(check, heap->first_free <= first_free,
                 "slice %zu is free, below the first free, %zu", first_free, heap->first_free);
    check_expect(check, heap->slices * sizeof(struct heap_slice) <= heap->table_bytes,
                 "%zu slices do not fit the table of %zu bytes", heap->slices, heap->table_bytes);
}

/* The slab whose link this is, or NULL if no descriptor of the arena has it. */
static const struct heap_slice *slab_of_link(const struct heap *heap, const struct list *link)
{
    uintptr_t offset = (uintptr_t)link - heap_table_base - offsetof(struct heap_slice, link);
    size_t index = offset / sizeof(struct heap_slice);
    return offset % sizeof(struct heap_slice) == 0 && index < heap->slices ? heap_slice_at(index)
                                                                           : NULL;
}

/* Follows the list of class `index` and returns its length. A list that is whole does not come back
 * to a link before its head, so each step is a new slab. */
static size_t check_list(struct check *check, const struct heap *heap, unsigned index)
{
    const struct list *head = &heap->classes[index].partial;
    const struct list *prev = head;
    size_t length = 0;
    for (const struct list *link = head->next; link != head; link = link->next) {
        const struct heap_slice *slab = slab_of_link(heap, link);
        check_expect(check, slab != NULL, "the list of class %u leads to %p, which is no slab",
                     index, (const void *)link);
        if (slab == NULL)
            return length;
        check_expect(check, link->prev == prev, "the list of class %u is broken at slab %zu", index,
                     (size_t)(slab - heap_slice_at(0)));
        if (link->prev != prev)
            return length;
        check_expect(check, slab->used != 0 && slab->class == index,
                     "slab %zu is in the list of class %u but is not of that class",
                     (size_t)(slab - heap_slice_at(0)), index);
        prev = link;
        length++;
    }
    check_expect(check, head->prev == prev, "the list of class %u does not end where it should",
                 index);
    return length;
}

static void check_class(struct check *check, const struct heap *heap, unsigned index)
{
    const struct heap_class *class = &heap->classes[index];
    uint64_t slabs = 0, live = 0, partial = 0;
    for (size_t i = 0; i < heap->slices; i++) {
        const struct heap_slice *slab = heap_slice_at(i);
        if (slab->used == 0 || slab->class != index)
            continue;
        slabs++;
        live += slab->used;
        partial += slab->used < class->capacity;
    }
    check_expect(check, class->slabs == slabs, "class %u counts %lu slabs, there are %lu", index,
                 class->slabs, slabs);
    check_expect(check, class->live == live,
                 "class %u counts %lu objects in use, its slabs have %lu", index, class->live,
                 live);
    size_t length = check_list(check, heap, index);
    check_expect(check, length == partial, "class %u lists %zu slabs with room, there are %lu",
                 index, length, partial);
}

static void check_record(struct check *check, const struct heap *heap,
                         const struct heap_record *record)
{
    uintptr_t start = record->node.key;
    check_expect(check, record->bytes != 0 && bits_is_aligned(record->bytes, HEAP_PAGE),
                 "the large block at %p has %zu bytes, not whole pages", (const void *)start,
                 record->bytes);
    check_expect(check,
                 bits_is_power_of_two(record->align) && bits_is_aligned(start, record->align) &&
                     bits_is_aligned(start, HEAP_PAGE),
                 "the large block at %p is not aligned to %zu", (const void *)start, record->align);
    const struct tree_node *next = tree_at_or_above(heap->large, start + 1);
    check_expect(check, next == NULL || next->key - start >= record->bytes,
                 "the large block at %p overlaps the next", (const void *)start);
    uintptr_t arena_end = heap_arena_base + heap->slices * HEAP_SLICE_SIZE;
    check_expect(check, start >= arena_end || start + record->bytes <= heap_arena_base,
                 "the large block at %p overlaps the arena", (const void *)start);
    const struct heap_slice *slab = heap_slice_find(heap, (uintptr_t)record);
    check_expect(check, slab != NULL && slab->used != 0 && slab->class == HEAP_RECORDS,
                 "the large block at %p has a record that is in no slab of records",
                 (const void *)start);
}

static void check_large(struct check *check, const struct heap *heap)
{
    bool is_sound = tree_is_sound(heap->large);
    check_expect(check, is_sound, "the tree of large blocks is not sound");
    if (!is_sound)
        return;
    uint64_t count = 0, bytes = 0;
    const struct tree_node *node = tree_at_or_above(heap->large, 0);
    for (; node != NULL; node = tree_at_or_above(heap->large, node->key + 1)) {
        const struct heap_record *record = container_of(node, struct heap_record, node);
        check_record(check, heap, record);
        count++;
        bytes += record->bytes;
    }
    check_expect(check, count == heap->large_count, "%lu large blocks are counted, there are %lu",
                 heap->large_count, count);
    check_expect(check, bytes == heap->large_bytes, "large blocks count %lu bytes, they have %lu",
                 heap->large_bytes, bytes);
    uint64_t records = heap->classes[HEAP_RECORDS].live;
    check_expect(check, count == records, "%lu records serve %lu large blocks", records, count);
}

size_t heap_check(const struct heap *heap, check_report *report)
{
    struct check check = {.report = report};
    check_slices(&check, heap);
    for (unsigned i = 0; i <= HEAP_RECORDS; i++)
        check_class(&check, heap, i);
    check_large(&check, heap);
    return check.violations;
}

/* SPDX-License-Identifier: MIT */
/*
 * The checker of the heap: visits every slice, every list of slabs and every large block, and says,
 * as a sentence each, which equation of heap_slab.h and heap.h does not hold. Follows no link
 * before having seen that it leads to a descriptor or a record.
 */
#include <stdarg.h>

#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/format.h"

struct check {
    const struct heap *heap;
    heap_report *report;
    size_t violations;
};

__attribute__((format(printf, 3, 4))) static bool expect(struct check *check, bool holds,
                                                         const char *format, ...)
{
    if (holds)
        return true;
    char sentence[160];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    check->violations++;
    check->report(sentence);
    return false;
}

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
    expect(check, (uintptr_t)byte == end, "free memory at %p was written", (const void *)byte);
}

static void check_slab_fill(struct check *check, const struct heap_slice *slab)
{
    const struct heap_class *class = &check->heap->classes[slab->class];
    uintptr_t start = heap_slice_start(slab);
    for (uint32_t i = 0; i < class->capacity; i++)
        if (!bits_test(slab->map, i))
            check_fill(check, start + (size_t)i * class->size,
                       start + ((size_t)i + 1) * class->size);
    check_fill(check, start + (size_t) class->capacity * class->size, start + HEAP_SLICE_SIZE);
}

static unsigned count_bits(const struct heap_slice *slab, size_t from, size_t to)
{
    unsigned count = 0;
    for (size_t i = from; i < to; i++)
        count += bits_test(slab->map, i);
    return count;
}

static void check_map(struct check *check, const struct heap_slice *slab)
{
    const struct heap_class *class = &check->heap->classes[slab->class];
    size_t index = (size_t)(slab - heap_slice_at(0));
    unsigned used = count_bits(slab, 0, class->capacity);
    expect(check, used == slab->used, "slab %zu counts %u objects in use, its map has %u", index,
           slab->used, used);
    expect(check, count_bits(slab, class->capacity, HEAP_MAP_WORDS * 64) == 0,
           "slab %zu has objects in use behind its last one", index);
    bool hint_holds = slab->hint < HEAP_MAP_WORDS;
    for (uint32_t word = 0; hint_holds && word < slab->hint; word++)
        hint_holds = slab->map[word] == UINT64_MAX;
    expect(check, hint_holds, "slab %zu has a free object below its hint", index);
}

static void check_slab(struct check *check, const struct heap_slice *slab)
{
    size_t index = (size_t)(slab - heap_slice_at(0));
    if (!expect(check, slab->class <= HEAP_RECORDS, "slab %zu has class %u, which does not exist",
                index, slab->class))
        return;
    expect(check,
           bits_is_power_of_two(slab->align) && slab->align >= HEAP_MIN_ALIGN &&
               bits_is_aligned(check->heap->classes[slab->class].size, slab->align),
           "slab %zu of class %u cannot have alignment %u", index, slab->class, slab->align);
    check_map(check, slab);
    if (HEAP_DEBUG)
        check_slab_fill(check, slab);
}

static void check_slices(struct check *check)
{
    const struct heap *heap = check->heap;
    size_t free = 0, first_free = heap->slices;
    for (size_t i = heap->slices; i > 0; i--) {
        const struct heap_slice *slice = heap_slice_at(i - 1);
        if (slice->used != 0) {
            check_slab(check, slice);
            continue;
        }
        free++;
        first_free = i - 1;
        if (HEAP_DEBUG)
            check_fill(check, heap_slice_start(slice), heap_slice_start(slice) + HEAP_SLICE_SIZE);
    }
    expect(check, free == heap->free_slices, "%zu slices are counted free, there are %zu",
           heap->free_slices, free);
    expect(check, heap->first_free <= first_free, "slice %zu is free, below the first free, %zu",
           first_free, heap->first_free);
    expect(check, heap->slices * sizeof(struct heap_slice) <= heap->table_bytes,
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
static size_t check_list(struct check *check, unsigned index)
{
    const struct list *head = &check->heap->classes[index].partial;
    const struct list *prev = head;
    size_t length = 0;
    for (const struct list *link = head->next; link != head; link = link->next) {
        const struct heap_slice *slab = slab_of_link(check->heap, link);
        if (!expect(check, slab != NULL, "the list of class %u leads to %p, which is no slab",
                    index, (const void *)link))
            return length;
        if (!expect(check, link->prev == prev, "the list of class %u is broken at slab %zu", index,
                    (size_t)(slab - heap_slice_at(0))))
            return length;
        expect(check, slab->used != 0 && slab->class == index,
               "slab %zu is in the list of class %u but is not of that class",
               (size_t)(slab - heap_slice_at(0)), index);
        prev = link;
        length++;
    }
    expect(check, head->prev == prev, "the list of class %u does not end where it should", index);
    return length;
}

static void check_class(struct check *check, unsigned index)
{
    const struct heap_class *class = &check->heap->classes[index];
    uint64_t slabs = 0, live = 0, partial = 0;
    for (size_t i = 0; i < check->heap->slices; i++) {
        const struct heap_slice *slab = heap_slice_at(i);
        if (slab->used == 0 || slab->class != index)
            continue;
        slabs++;
        live += slab->used;
        partial += slab->used < class->capacity;
    }
    expect(check, class->slabs == slabs, "class %u counts %llu slabs, there are %llu", index,
           (unsigned long long)class->slabs, (unsigned long long)slabs);
    expect(check, class->live == live, "class %u counts %llu objects in use, its slabs have %llu",
           index, (unsigned long long)class->live, (unsigned long long)live);
    size_t length = check_list(check, index);
    expect(check, length == partial, "class %u lists %zu slabs with room, there are %llu", index,
           length, (unsigned long long)partial);
}

static void check_record(struct check *check, const struct heap_record *record)
{
    const struct heap *heap = check->heap;
    uintptr_t start = record->node.key;
    expect(check, record->bytes != 0 && bits_is_aligned(record->bytes, HEAP_PAGE),
           "the large block at %p has %zu bytes, not whole pages", (const void *)start,
           record->bytes);
    expect(check,
           bits_is_power_of_two(record->align) && bits_is_aligned(start, record->align) &&
               bits_is_aligned(start, HEAP_PAGE),
           "the large block at %p is not aligned to %zu", (const void *)start, record->align);
    const struct tree_node *next = tree_at_or_above(heap->large, start + 1);
    expect(check, next == NULL || next->key - start >= record->bytes,
           "the large block at %p overlaps the next", (const void *)start);
    uintptr_t arena_end = heap_arena_base + heap->slices * HEAP_SLICE_SIZE;
    expect(check, start >= arena_end || start + record->bytes <= heap_arena_base,
           "the large block at %p overlaps the arena", (const void *)start);
    const struct heap_slice *slab = heap_slice_find(heap, (uintptr_t)record);
    expect(check, slab != NULL && slab->used != 0 && slab->class == HEAP_RECORDS,
           "the large block at %p has a record that is in no slab of records", (const void *)start);
}

static void check_large(struct check *check)
{
    const struct heap *heap = check->heap;
    if (!expect(check, tree_is_sound(heap->large), "the tree of large blocks is not sound"))
        return;
    uint64_t count = 0, bytes = 0;
    const struct tree_node *node = tree_at_or_above(heap->large, 0);
    for (; node != NULL; node = tree_at_or_above(heap->large, node->key + 1)) {
        const struct heap_record *record = container_of(node, struct heap_record, node);
        check_record(check, record);
        count++;
        bytes += record->bytes;
    }
    expect(check, count == heap->large_count, "%llu large blocks are counted, there are %llu",
           (unsigned long long)heap->large_count, (unsigned long long)count);
    expect(check, bytes == heap->large_bytes, "large blocks count %llu bytes, they have %llu",
           (unsigned long long)heap->large_bytes, (unsigned long long)bytes);
    uint64_t records = heap->classes[HEAP_RECORDS].live;
    expect(check, count == records, "%llu records serve %llu large blocks",
           (unsigned long long)records, (unsigned long long)count);
}

size_t heap_check(const struct heap *heap, heap_report *report)
{
    struct check check = {.heap = heap, .report = report};
    check_slices(&check);
    for (unsigned i = 0; i <= HEAP_RECORDS; i++)
        check_class(&check, i);
    check_large(&check);
    return check.violations;
}

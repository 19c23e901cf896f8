/* SPDX-License-Identifier: MIT */
/* Slabs of equal objects, made of slices of an arena that grows and shrinks at its end. */
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/string.h"

/* The arena shrinks once TRIM_AT slices at its end are free, and leaves TRIM_KEEP of them. So the
 * next slabs need no call to the port, and between two trims at least the difference, 12 slabs,
 * must have been emptied: a caller that frees and allocates around one size does not make the end
 * of the arena swing. What idles there is less than 1 MiB. */
#define TRIM_AT   16
#define TRIM_KEEP 4

/* 16-byte steps to 256, 8 a doubling to 1 KiB, 4 a doubling above. */
static uint32_t next_class_size(uint32_t size)
{
    if (size < 256)
        return size + HEAP_MIN_ALIGN;
    unsigned steps_log2 = size < 1024 ? 3 : 2;
    return size + ((uint32_t)1 << (bits_highest(size) - steps_log2));
}

static void class_init(struct heap_class *class, uint32_t size)
{
    *class = (struct heap_class){.size = size, .capacity = (uint32_t)HEAP_SLICE_SIZE / size};
    list_init(&class->partial);
}

void heap_slab_init(struct heap *heap)
{
    uint32_t size = 0;
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        size = next_class_size(size);
        class_init(&heap->classes[i], size);
    }
    heap->slices = 0;
    heap->free_slices = 0;
    heap->first_free = 0;
    heap->table_bytes = 0;
}

static bool extend_table(struct heap *heap, size_t slices)
{
    size_t bytes = bits_round_up(slices * sizeof(struct heap_slice), HEAP_PAGE);
    if (bytes <= heap->table_bytes)
        return true;
    if (!heap_port_extend_table(bytes))
        return false;
    heap->table_bytes = bytes;
    return true;
}

/* Adds one free slice. A descriptor that is used for the first time is zero, and one that is used
 * again was free when the arena shrank: used == 0 either way. */
static bool grow_arena(struct heap *heap)
{
    if (!extend_table(heap, heap->slices + 1) || !heap_port_extend((intptr_t)HEAP_SLICE_SIZE))
        return false;
    if (HEAP_DEBUG)
        memset((void *)heap_slice_start(heap_slice_at(heap->slices)), HEAP_FILL_FREE,
               HEAP_SLICE_SIZE);
    heap->slices++;
    heap->free_slices++;
    return true;
}

static void trim_arena(struct heap *heap)
{
    size_t keep = heap->slices;
    while (keep > 0 && heap_slice_at(keep - 1)->used == 0)
        keep--;
    if (heap->slices - keep < TRIM_AT)
        return;
    size_t excess = heap->slices - keep - TRIM_KEEP;
    if (!heap_port_extend(-(intptr_t)(excess * HEAP_SLICE_SIZE)))
        return;
    heap->slices -= excess;
    heap->free_slices -= excess;
}

/* Turns the lowest free slice into an empty slab at the head of its class's list. */
static bool make_slab(struct heap *heap, unsigned class)
{
    if (heap->free_slices == 0 && !grow_arena(heap))
        return false;
    size_t index = heap->first_free;
    while (heap_slice_at(index)->used != 0)
        index++;
    heap->first_free = index + 1;
    heap->free_slices--;

    struct heap_slice *slab = heap_slice_at(index);
    *slab = (struct heap_slice){.class = class, .align = HEAP_MIN_ALIGN};
    list_push_front(&heap->classes[class].partial, &slab->link);
    heap->classes[class].slabs++;
    return true;
}

static void release_slab(struct heap *heap, struct heap_slice *slab)
{
    size_t index = (size_t)(slab - heap_slice_at(0));
    list_remove(&slab->link);
    heap->classes[slab->class].slabs--;
    heap->free_slices++;
    if (index < heap->first_free)
        heap->first_free = index;
    trim_arena(heap);
}

static void check_not_written(const unsigned char *object, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        if (object[i] != HEAP_FILL_FREE)
            heap_port_panic("%p was written while free: byte %u of the block of %u bytes at %p",
                            (const void *)(object + i), i, size, (const void *)object);
}

/* The lowest free object of a slab that has one. */
static void *take_object(struct heap_class *class, struct heap_slice *slab)
{
    while (slab->map[slab->hint] == UINT64_MAX)
        slab->hint++;
    unsigned number = slab->hint * 64 + bits_lowest(~slab->map[slab->hint]);
    void *object = (void *)(heap_slice_start(slab) + (size_t)number * class->size);
    if (HEAP_DEBUG)
        check_not_written(object, class->size);
    bits_set(slab->map, number);
    slab->used++;
    class->live++;
    return object;
}

void *heap_slab_alloc(struct heap *heap, unsigned class_index, size_t align)
{
    struct heap_class *class = &heap->classes[class_index];
    if (list_is_empty(&class->partial) && !make_slab(heap, class_index))
        return NULL;
    struct heap_slice *slab = container_of(class->partial.next, struct heap_slice, link);
    void *object = take_object(class, slab);
    if (align > slab->align)
        slab->align = (uint32_t)align;
    if (slab->used == class->capacity)
        list_remove(&slab->link);
    return object;
}

void heap_slab_free(struct heap *heap, struct heap_slice *slab, unsigned object)
{
    struct heap_class *class = &heap->classes[slab->class];
    if (HEAP_DEBUG)
        memset((void *)(heap_slice_start(slab) + (size_t)object * class->size), HEAP_FILL_FREE,
               class->size);
    if (slab->used == class->capacity)
        list_push_front(&class->partial, &slab->link);
    bits_clear(slab->map, object);
    if (object / 64 < slab->hint)
        slab->hint = object / 64;
    slab->used--;
    class->live--;
    if (slab->used == 0)
        release_slab(heap, slab);
}

/* SPDX-License-Identifier: MIT */
/*
 * The heap's front: takes a size and an alignment and chooses between a slab of the right class and
 * a mapping; takes a pointer and finds which of the two it came from.
 */
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_misuse.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/string.h"

/* Sizes above are absurd. The slack keeps every sum of a size and a unit of the port from
 * overflowing. */
#define SIZE_LIMIT ((size_t)PTRDIFF_MAX - HEAP_SLICE_SIZE)

/* A live block. Exactly one of `slab` and `record` is not NULL. */
struct place {
    struct heap_slice *slab;
    unsigned object; /* number in the slab */
    struct heap_record *record;
    size_t size;  /* usable bytes */
    size_t align; /* that a realloc has to keep */
};

void heap_init(struct heap *heap)
{
    heap_slab_init(heap);
    heap_large_init(heap);
}

/* The smallest class whose objects hold `size` bytes; see next_class_size in heap_slab.c. */
static unsigned class_of_size(size_t size)
{
    if (size <= 256)
        return size == 0 ? 0 : (unsigned)(size - 1) / 16;
    unsigned doubling = bits_highest(size - 1); /* 2^doubling < size <= 2 * 2^doubling */
    if (size <= 1024)
        return 16 + (doubling - 8) * 8 + ((unsigned)(size - 1) >> (doubling - 3)) % 8;
    return 32 + (doubling - 10) * 4 + ((unsigned)(size - 1) >> (doubling - 2)) % 4;
}

/* The class that serves a request, or HEAP_CLASSES if none does. Slabs start at multiples of the
 * slice size, so an object is aligned to whatever power of two divides its size. */
static unsigned class_for(const struct heap *heap, size_t size, size_t align)
{
    if (size > HEAP_SMALL_MAX || align > HEAP_SMALL_MAX)
        return HEAP_CLASSES;
    unsigned index = class_of_size(size > align ? size : align);
    while (!bits_is_aligned(heap->classes[index].size, align))
        index++;
    return index;
}

/* True iff `address` is the start of a live object of a caller. */
static bool find_object(const struct heap *heap, uintptr_t address, struct place *place)
{
    struct heap_slice *slab = heap_slice_find(heap, address);
    if (slab == NULL || slab->used == 0 || slab->class == HEAP_RECORDS)
        return false;
    const struct heap_class *class = &heap->classes[slab->class];
    uint32_t offset = (uint32_t)(address - heap_slice_start(slab));
    uint32_t object = offset / class->size;
    *place = (struct place){slab, object, NULL, class->size, slab->align};
    return object * class->size == offset && bits_test(slab->map, object);
}

static bool find_large(const struct heap *heap, uintptr_t address, struct place *place)
{
    struct heap_record *record = heap_large_find(heap, address);
    if (record == NULL || record->node.key != address)
        return false;
    *place = (struct place){NULL, 0, record, record->bytes, record->align};
    return true;
}

static bool find(const struct heap *heap, const void *block, struct place *place)
{
    return find_object(heap, (uintptr_t)block, place) || find_large(heap, (uintptr_t)block, place);
}

static struct place find_or_panic(const struct heap *heap, const void *block)
{
    struct place place;
    if (!find(heap, block, &place))
        heap_misuse(heap, block);
    return place;
}

static void *alloc_small(struct heap *heap, unsigned class, size_t align, bool zero)
{
    void *block = heap_slab_alloc(heap, class, align);
    if (block != NULL && zero)
        memset(block, 0, heap->classes[class].size);
    else if (block != NULL && HEAP_DEBUG)
        memset(block, HEAP_FILL_ALLOC, heap->classes[class].size);
    return block;
}

static void *alloc_large(struct heap *heap, size_t size, size_t align, bool zero)
{
    void *block = heap_large_alloc(heap, size, align);
    if (block != NULL && HEAP_DEBUG && !zero)
        memset(block, HEAP_FILL_ALLOC, heap_large_bytes(size));
    return block;
}

void *heap_alloc(struct heap *heap, size_t size, size_t align, bool zero)
{
    if (align != 0 && !bits_is_power_of_two(align))
        heap_port_panic("%zu is not an alignment: not a power of two", align);
    if (align < HEAP_MIN_ALIGN)
        align = HEAP_MIN_ALIGN;
    if (size > SIZE_LIMIT || align > SIZE_LIMIT - size)
        return NULL;
    unsigned class = class_for(heap, size, align);
    return class == HEAP_CLASSES ? alloc_large(heap, size, align, zero)
                                 : alloc_small(heap, class, align, zero);
}

void heap_free(struct heap *heap, void *block)
{
    if (block == NULL)
        return;
    struct place place = find_or_panic(heap, block);
    if (place.record != NULL)
        heap_large_free(heap, place.record);
    else
        heap_slab_free(heap, place.slab, place.object);
}

/* The rule of reallocation. A large block stays if it would have as many pages. A small one stays
 * if it is large enough and at least half used, or no class would serve better. */
static bool fits(const struct heap *heap, const struct place *place, size_t size)
{
    if (size > place->size)
        return false;
    if (place->record != NULL)
        return heap_large_bytes(size) == place->size;
    return size >= place->size / 2 || class_for(heap, size, place->align) == place->slab->class;
}

static void *move(struct heap *heap, void *block, const struct place *from, size_t size, bool zero)
{
    void *to = heap_alloc(heap, size, from->align, zero);
    if (to == NULL)
        return NULL;
    memcpy(to, block, size < from->size ? size : from->size);
    heap_free(heap, block);
    return to;
}

void *heap_realloc(struct heap *heap, void *block, size_t size, bool zero)
{
    if (block == NULL)
        return heap_alloc(heap, size, 0, zero);
    struct place place = find_or_panic(heap, block);
    if (fits(heap, &place, size))
        return block;
    if (place.record == NULL || size > place.size)
        return move(heap, block, &place, size, zero);
    heap_large_shrink(heap, place.record, size);
    return block;
}

bool heap_fits(const struct heap *heap, const void *block, size_t size)
{
    struct place place = find_or_panic(heap, block);
    return fits(heap, &place, size);
}

size_t heap_size(const struct heap *heap, const void *block)
{
    return find_or_panic(heap, block).size;
}

bool heap_owns(const struct heap *heap, const void *block)
{
    struct place place;
    return find(heap, block, &place);
}

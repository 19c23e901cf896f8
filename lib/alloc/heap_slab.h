/* SPDX-License-Identifier: MIT */
/*
 * Slabs: takes slices of the arena and gives out objects of one size class each. All that is known
 * of a slice stands in its descriptor, in a flat table apart from the arena:
 *
 *   used == number of bits set in map[]      a slice with used == 0 is free, whatever else it says
 *   used < capacity iff link is in the class's partial list
 *
 * With HEAP_DEBUG every byte of the arena that is in no live object is HEAP_FILL_FREE.
 */
#pragma once

#include "lib/alloc/heap.h"
#include "lib/alloc/heap_port.h"

/* The class of the records of large blocks. They share no slab with blocks of callers. */
#define HEAP_RECORDS HEAP_CLASSES

#define HEAP_PAGE ((size_t)4096) /* the unit of the port */

#define HEAP_MAP_WORDS (HEAP_SLICE_SIZE / HEAP_MIN_ALIGN / 64)

enum heap_fill { HEAP_FILL_ALLOC = 0xa5, HEAP_FILL_FREE = 0xdd };

struct heap_slice {
    struct list link;             /* in the class's partial list, or on its own */
    uint32_t class;               /* index */
    uint32_t used;                /* objects in use; 0: a free slice */
    uint32_t align;               /* strictest asked for since this became a slab */
    uint32_t hint;                /* no word of map[] below this one has a clear bit */
    uint64_t map[HEAP_MAP_WORDS]; /* bit per object: in use */
};

static inline struct heap_slice *heap_slice_at(size_t index)
{
    return (struct heap_slice *)heap_table_base + index;
}

/* Address of the first byte of the slice that `slice` describes. */
static inline uintptr_t heap_slice_start(const struct heap_slice *slice)
{
    return heap_arena_base + (size_t)(slice - heap_slice_at(0)) * HEAP_SLICE_SIZE;
}

/* The slice that holds `address`, or NULL if it is not in the arena. */
static inline struct heap_slice *heap_slice_find(const struct heap *heap, uintptr_t address)
{
    size_t index = (address - heap_arena_base) / HEAP_SLICE_SIZE;
    return address >= heap_arena_base && index < heap->slices ? heap_slice_at(index) : NULL;
}

/* Makes the classes and the empty arena. */
void heap_slab_init(struct heap *heap);

/* An object of `class`, its contents undefined; or NULL if the arena cannot grow. `align` divides
 * the size of the class and is remembered. */
void *heap_slab_alloc(struct heap *heap, unsigned class, size_t align);

/* Gives back object number `object` of `slab`, which is in use. */
void heap_slab_free(struct heap *heap, struct heap_slice *slab, unsigned object);

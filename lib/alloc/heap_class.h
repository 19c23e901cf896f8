/* SPDX-License-Identifier: MIT */
/*
 * Size classes: 16-byte steps to 256, 8 a doubling to 1 KiB, 4 a doubling to 32 KiB. A slab is one
 * slice of objects of one class, the last of which ends with it; so an object is aligned to
 * whatever power of two divides its size.
 */
#pragma once

#include "lib/alloc/heap_slice.h"

extern const uint16_t heap_class_sizes[HEAP_CLASSES];

static inline uint32_t heap_class_size(unsigned index)
{
    return heap_class_sizes[index];
}

static inline unsigned heap_class_capacity(unsigned index)
{
    return (unsigned)(HEAP_SLICE_SIZE / heap_class_size(index));
}

/* The smallest class for `size` bytes, at most HEAP_SMALL_MAX. */
static inline unsigned heap_class_of(const struct heap *heap, size_t size)
{
    return heap->class_of[size == 0 ? 0 : (size - 1) / HEAP_MIN_ALIGN];
}

/* The smallest class for `size` whose objects are aligned to `align`; both at most
 * HEAP_SMALL_MAX. */
unsigned heap_class_aligned(const struct heap *heap, size_t size, size_t align);

/* Fills heap->class_of: with all classes, or only with those whose size is a power of two. */
void heap_class_init(struct heap *heap, bool only_powers);

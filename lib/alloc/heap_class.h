/* SPDX-License-Identifier: MIT */
/*
 * Size classes: 16-byte steps to 256, 8 a doubling to 8 KiB, 4 a doubling to 32 KiB. A slab is one
 * slice of objects of one class, the last of which ends with it; so an object is aligned to
 * whatever power of two divides its size.
 */
#pragma once

#include "lib/alloc/heap_slice.h"
#include "lib/bits.h"

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
    return size <= HEAP_TINY_MAX ? heap->class_of[size]
                                 : heap->class_above[(size - 1) / HEAP_TINY_STEP];
}

/* The smallest class for `size` whose objects are aligned to `align`, a power of two; both at most
 * HEAP_SMALL_MAX. In each doubling, either the steps between classes are multiples of `align`, or
 * they divide it, and then multiples of `align` are classes. */
static inline unsigned heap_class_aligned(const struct heap *heap, size_t size, size_t align)
{
    return heap_class_of(heap, size <= align ? align : bits_round_up(size, align));
}

/* Fills heap->class_of: with all classes, or only with those whose size is a power of two. */
void heap_class_init(struct heap *heap, bool only_powers);

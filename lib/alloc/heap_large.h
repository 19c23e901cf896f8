/* SPDX-License-Identifier: MIT */
/* Blocks above HEAP_SMALL_MAX: runs of slices of the arena, or huge ones (heap_huge.h). */
#pragma once

#include "lib/alloc/heap_slice.h"

struct heap_request {
    size_t size;
    size_t align; /* a power of two, at least HEAP_MIN_ALIGN */
    bool zero;
    bool will_grow; /* leave room behind, if there is any */
};

/* A block of whole pages, aligned to at least HEAP_PAGE; NULL if there is no memory. */
void *heap_large_alloc(struct heap *heap, const struct heap_request *request);

/* Gives back a block that starts at `address`: a run, or, if `run` is NULL, a huge one; an
 * interrupt context leaves it to heap_large_free_left(). False if there is none such. */
bool heap_large_free(struct heap *heap, struct heap_slice *run, uintptr_t address);

/* Gives back what interrupt contexts freed. */
void heap_large_free_left(struct heap_world *world);

/* Resizes a run in place; false if it cannot be. */
bool heap_large_resize(struct heap *heap, struct heap_slice *run, size_t size);

static inline size_t heap_large_bytes(size_t size)
{
    return size == 0 ? HEAP_PAGE : (size + HEAP_PAGE - 1) & ~(HEAP_PAGE - 1);
}

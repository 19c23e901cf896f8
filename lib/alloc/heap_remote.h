/* SPDX-License-Identifier: MIT */
/*
 * Frees from elsewhere: objects of other heaps' slabs are collected here, by slab, and handed over
 * as a chain by one compare-and-swap each HEAP_BATCH objects.
 *
 *       heap.pending           slab.remote (atomic)         owner
 *     [slab, first..last]  -->  first..last -> older   -->  heap.list or slab.free
 *                               HEAP_WAKE_ME?  --> owner.woken (atomic)
 */
#pragma once

#include "lib/alloc/heap_slab.h"

/* Takes an object of a slab of another heap, on its way back. */
static inline void heap_remote_free(struct heap *heap, struct heap_slice *slab, uintptr_t object);

/* Hands over all that waits in `pending`. */
void heap_remote_flush(struct heap *heap);

/* Makes the object the first of a batch of its own. */
void heap_remote_begin(struct heap *heap, struct heap_batch *batch, struct heap_slice *slab,
                       uintptr_t object);

/* Gives the batch to the slab's owner. */
void heap_remote_hand_over(struct heap_world *world, struct heap_batch *batch);

/* heap->pending[number of the slab % HEAP_PENDING]. */
static inline struct heap_batch *heap_remote_batch(struct heap *heap, const struct heap_slice *slab)
{
    size_t offset = (uintptr_t)slab / (sizeof *slab / sizeof *heap->pending);
    return (struct heap_batch *)((uintptr_t)heap->pending +
                                 (offset & (HEAP_PENDING - 1) * sizeof *heap->pending));
}

static inline void heap_remote_free(struct heap *heap, struct heap_slice *slab, uintptr_t object)
{
    struct heap_batch *batch = heap_remote_batch(heap, slab);
    if (batch->slab != slab) {
        heap_remote_begin(heap, batch, slab, object);
        return;
    }
    *(uintptr_t *)object = heap_link(heap->world, object, batch->first);
    batch->first = object;
    if (--batch->room == 0)
        heap_remote_hand_over(heap->world, batch);
}

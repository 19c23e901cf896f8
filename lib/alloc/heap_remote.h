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

#include "lib/alloc/heap_slice.h"

/* Takes an object of a slab of another heap, on its way back. */
void heap_remote_free(struct heap *heap, struct heap_slice *slab, uintptr_t object);

/* Hands over all that waits in `pending`. */
void heap_remote_flush(struct heap *heap);

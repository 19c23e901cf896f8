/* SPDX-License-Identifier: MIT */
/* Slices in a row: doubly linked lists by numbers in the table. Who may touch one says its field.
 */
#pragma once

#include "lib/alloc/heap_slice.h"

static inline void heap_queue_init(struct heap_queue *queue)
{
    queue->first = HEAP_NO_SLICE;
    queue->last = HEAP_NO_SLICE;
}

static inline bool heap_queue_is_empty(const struct heap_queue *queue)
{
    return queue->first == HEAP_NO_SLICE;
}

static inline void heap_queue_push(const struct heap_world *world, struct heap_queue *queue,
                                   struct heap_slice *slice)
{
    uint32_t index = heap_slice_index(world, slice);
    slice->next = HEAP_NO_SLICE;
    slice->prev = queue->last;
    if (queue->last == HEAP_NO_SLICE)
        queue->first = index;
    else
        heap_slice_at(world, queue->last)->next = index;
    queue->last = index;
}

static inline void heap_queue_remove(const struct heap_world *world, struct heap_queue *queue,
                                     struct heap_slice *slice)
{
    if (slice->prev == HEAP_NO_SLICE)
        queue->first = slice->next;
    else
        heap_slice_at(world, slice->prev)->next = slice->next;
    if (slice->next == HEAP_NO_SLICE)
        queue->last = slice->prev;
    else
        heap_slice_at(world, slice->next)->prev = slice->prev;
}

/* The first of the queue, out of it now; or NULL. */
static inline struct heap_slice *heap_queue_pop(const struct heap_world *world,
                                                struct heap_queue *queue)
{
    if (heap_queue_is_empty(queue))
        return NULL;
    struct heap_slice *slice = heap_slice_at(world, queue->first);
    heap_queue_remove(world, queue, slice);
    return slice;
}

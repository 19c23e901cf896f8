/* SPDX-License-Identifier: MIT */
/*
 * Runs of free slices: best fit, the lowest among equals, always coalesced. The one structure that
 * heaps share, under the one lock.
 *
 *   free_slices == sum of the lengths of all free runs
 *   dirty_pages == pages of free slices that have memory
 *   a free run that has such pages is in the queue `dirty` (place 1); it may be there without
 *   no two free runs touch
 */
#pragma once

#include "lib/alloc/heap_slice.h"

/* `slices` in a row, all HEAP_TAKEN, with `room` free ones behind if there are any; the arena grows
 * if need be. NULL if it cannot. */
struct heap_slice *heap_run_take(struct heap_world *world, size_t slices, size_t room);

/* Gives back slices that nobody uses. */
void heap_run_give(struct heap_world *world, struct heap_slice *first, size_t slices);
void heap_run_give_locked(struct heap_world *world, struct heap_slice *first, size_t slices);

/* Takes the `slices` right behind [first, first + length), HEAP_TAKEN; false if they are not free.
 */
bool heap_run_extend(struct heap_world *world, struct heap_slice *first, size_t length,
                     size_t slices);

/* True iff nothing but free slices lies behind [first, first + length). */
bool heap_run_ends_arena(struct heap_world *world, struct heap_slice *first, size_t length);

/* Takes the free run out that has been dirty for longest, or NULL if there is none that is so since
 * `since` or before. Give it back when purged. */
struct heap_slice *heap_run_take_dirty(struct heap_world *world, uint64_t since, size_t *slices);

static inline size_t heap_run_slices(const struct heap_slice *run)
{
    return run->node.key >> 32;
}

/* SPDX-License-Identifier: MIT */
/*
 * Debug and hardened builds. A bit for each 16 bytes of the arena says whether a live block starts
 * there. Behind each block lies what nobody asked for:
 *
 *      object of a slab   | asked for | 0x5c ... | word: how much was asked for, encoded |
 *      run, huge block    | asked for | 0x5c ... up to the end of the last page          |
 *
 * and how much was asked for of a large block stands in its descriptor or record. Free objects hold
 * HEAP_FILL_FREE between their link and the last word, which stays as it was.
 */
#pragma once

#include "lib/alloc/heap_slice.h"

#define HEAP_FILL_ALLOC 0xa5 /* HEAP_DEBUG only */
#define HEAP_FILL_FREE  (HEAP_DEBUG ? 0xdd : 0)
#define HEAP_FILL_REST  0x5c

#define HEAP_ANY_SIZE SIZE_MAX /* free does not say */
#define HEAP_NEVER    SIZE_MAX /* how much was asked for of an object that was not given out yet */

/* Bytes that an object of a slab needs for a block of `size`. */
static inline size_t heap_object_size(size_t size)
{
    return HEAP_CHECKED ? size + sizeof(uint64_t) : size;
}

/* --- objects of slabs; `room` is the size of their class --- */

/* Fills an object that is about to be linked for the first time. */
void heap_checked_prepare(const struct heap_world *world, uintptr_t object, size_t room);

/* Panics if the object, just out of its list, was written to while it was free. */
void heap_checked_reuse(const struct heap_world *world, uintptr_t object, size_t room);

/* The object is given out: marks it live. Panics if it is so already. */
void heap_checked_out(struct heap_world *world, uintptr_t object);

/* A live object serves a block of `asked` bytes: writes what lies behind. */
void heap_checked_resize(const struct heap_world *world, uintptr_t object, size_t room,
                         size_t asked);

/* True iff a live object starts at `address`, which is in the arena. */
bool heap_checked_is_live(const struct heap_world *world, uintptr_t address);

/* How much was asked for of a live object; panics if that was written over. */
size_t heap_checked_asked(const struct heap_world *world, uintptr_t object, size_t room);

/* How much was asked for of one that is or was live, or HEAP_NEVER, as far as can be seen. */
size_t heap_checked_last(const struct heap_world *world, uintptr_t object, size_t room);

/* Panics if the block was written to behind its end. */
void heap_checked_end(const struct heap_world *world, uintptr_t object, size_t room);

/* The object comes back, from a caller who says it has `size` bytes: panics as above, or if that is
 * not what was asked for; then not live any more, and filled. False if it was not live. */
bool heap_checked_in(struct heap_world *world, uintptr_t object, size_t room, size_t size,
                     const void *caller);

/* --- the same for runs and huge blocks, which are live as their descriptors and records say --- */

void heap_checked_large_out(uintptr_t block, size_t room, size_t asked);
void heap_checked_large_in(const struct heap_world *world, uintptr_t block, size_t room,
                           size_t asked, size_t size, const void *caller);

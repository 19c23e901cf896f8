/* SPDX-License-Identifier: MIT */
/*
 * Slabs, as their owner sees them. An object of a slab is in one of these places:
 *
 *   with a caller, or on its way back in some heap's `pending` or in the slab's `remote`
 *   in heap.list[class], if the slab is the current one          counted in `used` so far
 *   in slab.free                                                 used + |free| == linked
 *   in [heap.bump, heap.bump_end) or reaching into a page of `uncarved`: not linked yet
 *
 * malloc takes from heap.list and counts nothing; lists move there as a whole. A slab that is used
 * up goes to sleep; the next free, the owner's or another's, wakes it.
 */
#pragma once

#include "lib/alloc/heap_slice.h"

/* An object of the class, off heap.list, which is refilled if need be; NULL if there is no memory.
 */
void *heap_slab_alloc(struct heap *heap, size_t index);

/* True iff all of the list of the class is zero but for the links. Ask after heap_slab_alloc(). */
bool heap_slab_is_fresh(const struct heap *heap, unsigned index);

/* Puts an object that the owner frees onto its slab's list. */
void heap_slab_free(struct heap *heap, struct heap_slice *slab, uintptr_t object);

/* Takes what others freed into the queued slab's own list; the slab is given back if that was all.
 */
void heap_slab_absorb(struct heap *heap, struct heap_slice *slab);

/* Moves the class's list back to its slab and the slab to the queue, or gives it back if nothing of
 * it is in use. */
void heap_slab_unload(struct heap *heap, unsigned index);

/* Puts the slabs that others woke into their queues. */
void heap_slab_take_woken(struct heap *heap);

/* Gives back all slices that the heap keeps for its next slabs. */
void heap_slab_drop_stash(struct heap *heap);

/* Gives back the memory of pages in which no object is in use, if the slab is queued. Returns how
 * many. */
size_t heap_slab_purge(struct heap *heap, struct heap_slice *slab);

/* --- lists of objects --- */

/* The word in an object that leads to `next` in its list; 0 ends a list. */
static inline uintptr_t heap_link(const struct heap_world *world, uintptr_t object, uintptr_t next)
{
    return object ^ next ^ (HEAP_HARDEN ? world->secret : 0);
}

_Noreturn void heap_astray(const struct heap_world *world, uintptr_t object, uintptr_t next);

/* What follows `object` in its list, or 0. Panics if it leads out of the slab. */
static inline uintptr_t heap_next(const struct heap_world *world, uintptr_t object)
{
    uintptr_t next = heap_link(world, object, *(const uintptr_t *)object);
    if (next != 0 && (next ^ object) - 1 >= HEAP_SLICE_SIZE - 1)
        heap_astray(world, object, next);
    return next;
}

/* Where the object lies that holds `address`, which is not before slab->start. */
static inline uintptr_t heap_object_at(const struct heap_slice *slab, uintptr_t address,
                                       uint32_t size)
{
    return address - (uint32_t)(address - slab->start) % size;
}

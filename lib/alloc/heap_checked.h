/* SPDX-License-Identifier: MIT */
/*
 * Debug and hardened builds. A bit for each 16 bytes of the arena says whether a live block starts
 * there. Behind each block lies what nobody asked for:
 *
 *      object of a slab   | asked for | 0x5c ... | word: how much was asked for, encoded |
 *      run, huge block    | asked for | 0x5c ... up to the end of the last page          |
 *
 * and how much was asked for of a large block stands in its descriptor or record. Free objects hold
 * HEAP_FILL_FREE behind their link.
 */
#pragma once

#include "lib/alloc/heap_slice.h"

#define HEAP_FILL_ALLOC 0xa5 /* HEAP_DEBUG only */
#define HEAP_FILL_FREE  (HEAP_DEBUG ? 0xdd : 0)
#define HEAP_FILL_REST  0x5c

/* A live block. */
struct heap_place {
    struct heap_slice *slice; /* NULL: a huge one */
    uintptr_t start;
    size_t room;  /* bytes of the object or of whole pages */
    size_t size;  /* usable bytes; in checked builds what was asked for */
    size_t align; /* that a realloc has to keep */
};

/* Bytes that an object of a slab needs for a block of `size`. */
static inline size_t heap_object_size(size_t size)
{
    return HEAP_CHECKED ? size + sizeof(uint64_t) : size;
}

/* --- the rest is called only if HEAP_CHECKED --- */

/* Fills an object that is about to be linked for the first time. */
void heap_checked_prepare(uintptr_t object, uint32_t size);

/* Panics if the object, just out of its list, was written to while it was free. */
void heap_checked_reuse(uintptr_t object, uint32_t size);

/* The block is given out for `place->size` bytes: writes what lies behind, and marks it live. */
void heap_checked_alloc(struct heap_world *world, const struct heap_place *place);

/* True iff a live block starts at `address` in `slice`. */
bool heap_checked_is_live(const struct heap_world *world, const struct heap_slice *slice,
                          uintptr_t address);

/* How much was asked for of an object; panics if it is not to be read any more. */
size_t heap_checked_asked(const struct heap_world *world, uintptr_t object, size_t room);

/* Panics if the block was written to behind its end. */
void heap_checked_ends(const struct heap_place *place);

/* The block is coming back: not live any more; false if it was not. Fills it, unless it is huge. */
bool heap_checked_free(struct heap_world *world, const struct heap_place *place);

/* SPDX-License-Identifier: MIT */
/*
 * Huge blocks: mappings of the port's, each described by a record that lies outside of it, in
 * mappings of their own. A block that is being resized is not in the index.
 *
 *   huge_count == |huge|, huge_bytes == sum of their bytes
 *   blocks of `huge` and of `left_huge`, and the records, are counted in `taken`
 */
#pragma once

#include "lib/alloc/heap_slice.h"

struct heap_huge {
    struct tree_node node; /* key: where it starts */
    size_t bytes;          /* whole pages */
    size_t align;
    size_t asked;           /* HEAP_CHECKED */
    struct heap_huge *next; /* unused records; blocks left */
};

/* A zeroed mapping of its own for a block; NULL if there is none. `align`: at least HEAP_PAGE. */
void *heap_huge_alloc(struct heap_world *world, size_t bytes, size_t align);

/* Unmaps the block that starts at `address`; false if there is none. */
bool heap_huge_free(struct heap_world *world, uintptr_t address);

/* Takes the block out of the index and leaves the rest to heap_huge_free_left(); false if there is
 * none. Takes the lock, but does not call the port. */
bool heap_huge_leave(struct heap_world *world, uintptr_t address);
void heap_huge_free_left(struct heap_world *world);

/* Copies the record of the block that `address` lies in; false if there is none. */
bool heap_huge_find(struct heap_world *world, uintptr_t address, struct heap_huge *found);

/* Notes how much of the block that starts at `address` was asked for. Returns its bytes. */
size_t heap_huge_note(struct heap_world *world, uintptr_t address, size_t asked);

/* Makes the block `bytes` long, in place or elsewhere; NULL: it is as it was. */
void *heap_huge_resize(struct heap_world *world, uintptr_t address, size_t bytes);

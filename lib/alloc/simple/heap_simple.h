/* SPDX-License-Identifier: MIT */
/*
 * What the two simple heaps, heap_list.c and heap_bump.c, have in common; heap_simple.c answers
 * heap.h over the few functions in which they differ. They are there to be read and to be compared
 * with, and are chosen when a program is linked.
 *
 * The arena is cut into chunks. Each starts with a header, right before the memory that the caller
 * gets: whoever writes beyond the end of a block destroys the next one's, and foreign pointers are
 * known only by what happens to lie before them. All chunks of a world are under its one lock.
 *
 *   | header | block ......... | header | block ... |
 *
 * They do without most fields of struct heap_world: `spare` is the address of the first free chunk,
 * or of the bump allocator's next byte, with `spare_bytes` behind it; huge_count and huge_bytes
 * count live blocks. The descriptors and the lists of a struct heap are never filled, so the inline
 * functions of heap.h find nothing and call. Memory once taken is kept.
 */
#pragma once

#include "lib/alloc/heap.h"

#define HEAP_CHUNK_MIN sizeof(struct heap_chunk)

struct heap_chunk {
    uint64_t bytes : 56; /* header included; multiple of HEAP_MIN_ALIGN */
    uint64_t align : 8;  /* live: log2 of what was asked for */
    uintptr_t next;      /* free: the next in the list, or 0; live: ~ the chunk's own address */
};

static inline uintptr_t heap_chunk_block(const struct heap_chunk *chunk)
{
    return (uintptr_t)(chunk + 1);
}

/* Takes `bytes`, header included, so that the block is aligned to `align`. NULL if there are none.
 * Under the lock, like the others. */
struct heap_chunk *heap_simple_take(struct heap_world *world, size_t bytes, size_t align);

/* Takes the chunk back. */
void heap_simple_put(struct heap_world *world, struct heap_chunk *chunk);

/* [start, start + bytes) is new. */
void heap_simple_add(struct heap_world *world, uintptr_t start, size_t bytes);

/* Verifies what is free. */
void heap_simple_check(const struct heap_world *world, struct check *check);

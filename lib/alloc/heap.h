/* SPDX-License-Identifier: MIT */
/*
 * The heap: takes a growing arena and mappings from its port (the sbrk and mmap equivalents) and
 * gives out blocks of any size. Small sizes are rounded up to a size class and live in slabs of
 * equal objects; large ones are mappings of their own. All bookkeeping lies outside the blocks:
 * an overflow in user memory never meets it, and every pointer that comes back is checked.
 *
 * Locking: the caller's; one call at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/check.h"
#include "lib/list.h"
#include "lib/tree.h"

#define HEAP_SLICE_SIZE ((size_t)64 << 10) /* a slab; the arena grows and shrinks by slices */
#define HEAP_SMALL_MAX  ((size_t)32 << 10) /* larger blocks are mappings */
#define HEAP_CLASSES    52
#define HEAP_MIN_ALIGN  16 /* every block is aligned to this */

struct heap_slice; /* descriptor of one slice of the arena */

struct heap_class {
    uint32_t size;       /* bytes of an object */
    uint32_t capacity;   /* objects in a slab */
    struct list partial; /* slabs with a free object */
    uint64_t slabs;      /* slabs owned, full ones included */
    uint64_t live;       /* objects in use */
};

/*
 * Fields are private to heap*.c, but for reading by statistics. What heap_check() verifies:
 *
 *   free_slices == |slices with used == 0|
 *   classes[c].slabs == |slices of class c|, classes[c].live == sum of their used,
 *   used == popcount(map) <= capacity, and a slab is in `partial` iff 0 < used < capacity
 *   large_count == |large| == classes[HEAP_CLASSES].live, large_bytes == sum of their bytes
 */
struct heap {
    struct heap_class classes[HEAP_CLASSES + 1]; /* the last: the records of large blocks */
    size_t slices;           /* slices of the arena in hand: [base, base + slices) */
    size_t free_slices;      /* of these, in no slab */
    size_t first_free;       /* no slice below this one is free */
    size_t table_bytes;      /* of the descriptor table, usable */
    struct tree_node *large; /* large blocks by address */
    uint64_t large_count;
    uint64_t large_bytes; /* mapped, whole pages */
};

/* Makes an empty heap over an empty arena. The arena's start and the descriptor table come from the
 * port; nothing is asked of it before the first allocation. */
void heap_init(struct heap *heap);

/* A block of at least `size` bytes, aligned to `align` (a power of two; 0 means HEAP_MIN_ALIGN),
 * all zero if `zero`; or NULL if memory is exhausted or the size is absurd (nothing is lost then).
 * Size 0 gives a block of its own, too. The caller owns it until heap_free(). */
void *heap_alloc(struct heap *heap, size_t size, size_t align, bool zero);

/* Gives back a block; NULL is allowed. Panics naming the pointer if it is not the start of a live
 * block of this heap (foreign, inside a block, freed already). */
void heap_free(struct heap *heap, void *block);

/* Resizes a block, in place if that is possible, keeping its contents up to the smaller size and
 * the alignment it was allocated with; it may move. NULL on exhaustion: the old block is then
 * untouched and still the caller's. `zero` clears what is added behind the old usable size. block
 * == NULL is heap_alloc; size 0 shrinks the block, it does not free it. */
void *heap_realloc(struct heap *heap, void *block, size_t size, bool zero);

/* True iff heap_realloc(heap, block, size) would leave the block as it is: it is large enough and
 * not wastefully so. Panics as heap_free does. */
bool heap_fits(const struct heap *heap, const void *block, size_t size);

/* Usable bytes of a live block, at least what was asked for. Panics as heap_free does. */
size_t heap_size(const struct heap *heap, const void *block);

/* True iff `block` is the start of a live block of this heap. */
bool heap_owns(const struct heap *heap, const void *block);

/* heap_check.c: verifies every invariant. Returns how many are violated, and says each as a
 * sentence through `report`. */
size_t heap_check(const struct heap *heap, check_report *report);

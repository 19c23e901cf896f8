/* SPDX-License-Identifier: MIT */
/*
 * The heap: takes a growing arena and mappings from its port (the sbrk and mmap equivalents) and
 * gives out blocks of any size. All bookkeeping lies outside the blocks: an overflow in user memory
 * never meets it, and every pointer that comes back is checked.
 *
 * A world is an arena with its table of descriptors: what all share. A heap is one thread's, CPU's
 * or interrupt context's share of a world. Any number of worlds live side by side.
 *
 *   up to 32 KiB   objects of 64 size classes, in slabs of one heap: no lock, no atomics
 *   above          runs of slices of the arena, under the world's lock
 *   megabytes      mappings of their own; also whatever the arena has no room for
 *
 * Who may call what:
 *
 *   owner     by the one thread or CPU that `heap` belongs to, one call at a time
 *   anyone    at any time, from any thread
 *   quiet     while no other call into the world is under way
 *
 * Any heap of a world frees what any other one allocated. A bug of the caller panics with the
 * pointer; exhaustion returns NULL and changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/alloc/heap_slice.h" /* the fields of both, which are private, and the constants */
#include "lib/check.h"

struct heap;       /* about 5 KiB */
struct heap_world; /* about 300 bytes */

/* --- setting up --- */

struct heap_setup {
    uintptr_t arena; /* where the arena starts; multiple of HEAP_SLICE_SIZE */
    size_t reserve;  /* address space that it may fill, at least 1 MiB */
    void *table;     /* where descriptors go, 64 bytes a slice; multiple of HEAP_PAGE. Room for
                        reserve / HEAP_SLICE_SIZE of them, rounded up to a power of two */
    void *marks;     /* HEAP_HARDEN only: 512 bytes a slice, rounded up likewise */
    size_t cap; /* bytes of memory to take at most (heap_stats.taken); 0: as much as there is */
    uint64_t secret; /* HEAP_HARDEN only: unpredictable */
};

/* Makes an empty world. False if the port has no memory for the first page of the table; then it
 * may be tried again. */
bool heap_world_init(struct heap_world *world, const struct heap_setup *setup);

/* Makes an empty heap in the caller's memory, which must stay as long as the world. Asks nothing of
 * the port. Anyone. */
void heap_init(struct heap *heap, struct heap_world *world);

/* The heap of whoever has none yet: its first allocation or free calls heap_port_attach(). Current
 * pointers of threads start with its address; it must not be passed to other calls. */
extern struct heap heap_none;

/* --- blocks; owner --- */

/* At least `size` bytes, contents undefined; NULL on exhaustion or if the size is absurd. Size 0
 * gives a block of its own, too. The fast path is inline. */
static inline void *heap_alloc(struct heap *heap, size_t size);

/* The same, all zero to the last usable byte; memory known to be zero is not cleared again. */
void *heap_alloc_zeroed(struct heap *heap, size_t size);

/* The same, aligned to `align`, a power of two (panics else). Powers of two up to HEAP_SMALL_MAX
 * are aligned to their size by themselves. */
void *heap_alloc_aligned(struct heap *heap, size_t size, size_t align);

/* Gives back a block of any heap of this world; NULL is allowed. Panics naming the pointer if it is
 * foreign, inside a block, or (the last freed of its slab; in hardened builds always) free already.
 * What was allocated by another heap goes to its owner in batches. The fast path is inline. */
static inline void heap_free(struct heap *heap, void *block);

/* As heap_free; hardened and debug builds panic if a block of `size` bytes would not have been this
 * one. */
void heap_free_sized(struct heap *heap, void *block, size_t size);

/* Resizes a block, in place if possible, keeping its contents up to the smaller size and the
 * alignment it was allocated with; it may move. NULL on exhaustion: the old block is untouched and
 * still the caller's. block == NULL allocates; size 0 shrinks, it does not free. */
void *heap_realloc(struct heap *heap, void *block, size_t size);

/* Usable bytes of a live block, at least what was asked for. Panics as heap_free does. Anyone. */
size_t heap_size(struct heap_world *world, const void *block);

/* True iff `block` is the start of a block that is live as far as can be seen (exactly so in
 * hardened builds). Never panics. Anyone. */
bool heap_owns(struct heap_world *world, const void *block);

/* --- a heap's life --- */

/* Takes in what others freed of this heap's, and sends off what it freed of others'. Allocation
 * does so by itself as it goes. Owner. */
void heap_collect(struct heap *heap);

/* The owner leaves for good (thread exit): collects, gives back what is wholly free, and leaves the
 * heap, with all its live blocks, to the next heap_adopt(). Owner. */
void heap_park(struct heap *heap);

/* A parked heap, now the caller's; or NULL if there is none: then make one and heap_init() it.
 * Anyone. */
struct heap *heap_adopt(struct heap_world *world);

/* Makes an empty heap that of an interrupt context, which lives on slices given to it here: gives
 * it `slices` more, backed with memory; false if there are none. Its classes are powers of two, so
 * that a slice for each of them serves all sizes. It asks nothing of the port but the lock, and
 * this only to look up mappings: if such a context gets to see them, the lock must be safe there.
 * Runs and mappings that it frees go back at other heaps' next large allocation or heap_collect().
 * Called with the interrupts off that use the heap. */
bool heap_reserve(struct heap *heap, size_t slices);

/* Takes back one slice, if it has more than `keep` at hand; false if not. As above. */
bool heap_unreserve(struct heap *heap, size_t keep);

/* --- giving memory back --- */

/* Gives back memory that has been unused for a second and exceeds the budget of max(2 MiB, live /
 * 8) of the world; free pages in slabs of this heap that have been idle likewise. `now` is in
 * milliseconds, as heap_port_clock(). Cheap if there is nothing to do. Meant for idle loops and
 * timers; allocation calls it now and then by itself. Owner. */
void heap_tick(struct heap *heap, uint64_t now);

/* The same at once and down to nothing. Returns the bytes given back. Owner. */
size_t heap_trim(struct heap *heap);

/* Changes the hard cap: see heap_setup. What is above it already stays. Anyone. */
void heap_set_cap(struct heap_world *world, size_t cap);

/* --- fork --- */

/* Before fork: takes the world's lock, so that what it guards is whole in the child. After it, in
 * the parent and in the child: releases it. In the child the other threads' heaps stay as they
 * were: nobody adopts them, their blocks can be freed. `heap` is the forking thread's. */
void heap_fork_prepare(struct heap_world *world);
void heap_fork_parent(struct heap_world *world);
void heap_fork_child(struct heap_world *world);

/* --- looking at it --- */

struct heap_class_stats {
    uint32_t size;     /* bytes of an object */
    uint32_t slabs;    /* in use */
    uint64_t capacity; /* objects that fit them */
    uint64_t used;     /* objects with callers, on their way back, or ready in lists of heaps: the
                          last two are none after heap_trim() or heap_park() of all heaps */
};

struct heap_stats {
    struct heap_class_stats classes[HEAP_CLASSES];
    uint64_t runs, run_bytes;  /* large blocks in the arena, whole pages */
    uint64_t huge, huge_bytes; /* mappings */
    uint64_t arena_bytes;      /* address space taken from the port */
    uint64_t free_bytes;       /* of these, in free slices */
    uint64_t dirty_bytes;      /* of the free ones, still backed by memory */
    uint64_t metadata_bytes;   /* descriptors and records: these stay */
    uint64_t taken, taken_max; /* bytes of memory behind the arena, huge blocks and records */
    uint64_t returned;         /* bytes given back so far */
    uint64_t wakes;            /* slabs woken by frees from elsewhere */
};

/* A snapshot; other heaps may move on meanwhile. Anyone; takes the lock and visits every slice. */
void heap_stats(struct heap_world *world, struct heap_stats *stats);

/* Bytes of memory that back the world: heap_stats.taken, at once. Anyone. */
uint64_t heap_taken(const struct heap_world *world);

/* Writes a sentence about any address: what block, slab, run or mapping it lies in, free or live as
 * far as can be seen. Returns its length. Anyone. */
size_t heap_explain(struct heap_world *world, const void *address, char *text, size_t room);

/* Verifies every invariant. Returns how many are violated, and says each as a sentence. Quiet. */
size_t heap_check(struct heap_world *world, check_report *report);

/* --- the fast paths --- */

/* What they leave to others; what malloc and free are called with comes first, to stay in its
 * register. */
void *heap_alloc_slow(size_t size, struct heap *heap);
void heap_free_slow(void *block, struct heap *heap);
void heap_free_foreign(void *block, struct heap *heap, struct heap_slice *slab);
void heap_emptied(struct heap_slice *slab, struct heap *heap);

/* Takes the first object off the list of a class; NULL if that is more than two moves. The last
 * object of a list, an empty list, and a link that was written over look alike here: the link
 * leaves the slab. */
static inline void *heap_pop(struct heap *heap, size_t index)
{
    uintptr_t object = heap->list[index];
    uintptr_t link = *(const uintptr_t *)object;
    if (HEAP_CHECKED || __builtin_expect(link - 1 >= HEAP_SLICE_SIZE - 1, 0))
        return NULL;
    heap->list[index] = object ^ link;
    return (void *)object;
}

/* heap_alloc() as far as it goes without a call: NULL says to call heap_alloc_slow(). */
static inline void *heap_alloc_ready(struct heap *heap, size_t size)
{
    return size > HEAP_TINY_MAX ? NULL : heap_pop(heap, heap->class_of[size]);
}

static inline void *heap_alloc(struct heap *heap, size_t size)
{
    void *object = heap_alloc_ready(heap, size);
    return object != NULL ? object : heap_alloc_slow(size, heap);
}

/* heap_free() as far as it goes without a call: puts the object on the list of its slab, if the
 * slab is this heap's. False says to call heap_free(). */
static inline bool heap_free_ready(struct heap *heap, void *block)
{
    uintptr_t object = (uintptr_t)block;
    struct heap_slice *slab = heap_slice_in(heap->table, heap->mask, object);
    if (HEAP_CHECKED || __builtin_expect(!heap_is_own(slab, heap), 0) ||
        __builtin_expect(!heap_is_object(slab, object), 0) ||
        __builtin_expect(slab->free == object, 0))
        return false;
    *(uintptr_t *)object = object ^ slab->free;
    slab->free = object;
    if (__builtin_expect(--slab->used == 0, 0))
        heap_emptied(slab, heap);
    return true;
}

static inline void heap_free(struct heap *heap, void *block)
{
    struct heap_slice *slab = heap_slice_in(heap->table, heap->mask, (uintptr_t)block);
    if (__builtin_expect(!heap_is_own(slab, heap), 0))
        heap_free_foreign(block, heap, slab);
    else if (!heap_free_ready(heap, block))
        heap_free_slow(block, heap);
}

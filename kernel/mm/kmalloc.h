/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: the kernel heap. lib/alloc/heap over ksbrk for small blocks and kmmap for large ones.
 *
 * Exhaustion returns NULL and loses nothing; misuse panics and names the pointer, unknown flags
 * panic too. A block is aligned to 16 bytes at least, and one allocated with a power of two as its
 * size is aligned to that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/check.h"

struct heap_world;

enum kmalloc_flags {
    KM_ZERO = 1,   /* clear the block */
    KM_ATOMIC = 2, /* no shrinkers; may use the frames in reserve */
    KM_NOWAIT = 4, /* no shrinkers */
    KM_DMA32 = 8,  /* physically contiguous and below 4 GiB; whole frames */
};

/* Builds the empty heap. Needs ksbrk and kmmap. */
void kmalloc_init(void);

/* At least `size` bytes, contents undefined without KM_ZERO. The caller owns them until kfree().
 * Size 0 gives a block of its own, too. */
void *kmalloc(size_t size, unsigned flags);

/* count * size bytes of zeroes; NULL also when the product overflows. */
void *kcalloc(size_t count, size_t size, unsigned flags);

/* `align` is a power of two; panics else. */
void *kmalloc_aligned(size_t size, size_t align, unsigned flags);

/* Keeps contents and the alignment that was asked for; on NULL the old block is untouched. A
 * KM_DMA32 block stays one, whatever the flags say; asking to make one of another block panics. */
void *krealloc(void *block, size_t size, unsigned flags);

/* Gives back a block; NULL is allowed. */
void kfree(void *block);

/* As kfree; debug and hardened builds panic if the block was not asked for with this size. */
void kfree_sized(void *block, size_t size);

/* Usable bytes of a live block; panics on anything else, NULL included. */
size_t ksize(const void *block);

/* Who can give back memory that is not needed for now: called before an allocation fails, but not
 * for KM_ATOMIC and KM_NOWAIT, nor for a caller who is in an interrupt handler, has interrupts off,
 * or holds a lock. */
struct kmalloc_shrinker {
    /* Frees `bytes` if it can, and returns how many it freed; 0: there is no more. One call at a
     * time, in task context with interrupts on. It takes only locks behind LOCK_SHRINKERS, and
     * what it allocates is not looked for by shrinking. */
    size_t (*shrink)(struct kmalloc_shrinker *shrinker, size_t bytes);
    struct kmalloc_shrinker *next; /* kmalloc's */
};

/* From now on it is called; the caller keeps it until it is removed. Task context. */
void kmalloc_add_shrinker(struct kmalloc_shrinker *shrinker);
void kmalloc_remove_shrinker(struct kmalloc_shrinker *shrinker);

/* Gives back all memory that no block of this CPU's task heap needs; returns the bytes. */
size_t kmalloc_trim(void);

/* For statistics. */
struct heap_world *kmalloc_world(void);

/* Verifies the heap; see heap_check(). */
size_t kmalloc_check(check_report *report);

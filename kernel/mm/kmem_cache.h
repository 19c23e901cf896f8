/* SPDX-License-Identifier: MIT */
/*
 * Object caches: objects of one size each, which stay constructed while nobody has them, so that
 * what never changes in them (locks, lists, invariants) is set up once. Slabs come from kmalloc;
 * all records lie outside of them. (After Bonwick, The slab allocator, 1994.)
 *
 * Any CPU, in task context and in interrupt handlers, but for what says otherwise. Exhaustion
 * returns NULL and changes nothing; misuse panics and names object and cache.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/check.h"

#define KMEM_CACHE_NAME_SIZE 24

struct kmem_cache;

/* Starts with no caches, and lets kmalloc take back unused slabs when memory is short. Needs
 * kmalloc. */
void kmem_cache_init(void);

/* A cache of objects of `size` bytes, aligned to `align` (a power of two) and to 8. `construct`
 * brings new memory into the state that objects have between uses; NULL: they have none, and what
 * is allocated holds anything. It is called without a lock in the context of an allocation, and
 * must not allocate from the same cache. Of `name` a copy is kept, cut to fit. NULL if memory is
 * exhausted or the size absurd. Task context. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
                                     void (*construct)(void *object));

/* Takes back the cache. Returns -EBUSY if objects are live, says in the log how many and where, and
 * changes nothing. Task context. */
int kmem_cache_destroy(struct kmem_cache *cache);

/* An object, in the state it was constructed in; the caller's until kmem_cache_free(), whereupon
 * it has to be in that state again. `flags` as in kmalloc(): KM_ATOMIC, KM_NOWAIT, and KM_ZERO for
 * caches without a constructor. */
void *kmem_cache_alloc(struct kmem_cache *cache, unsigned flags);

/* NULL is allowed. */
void kmem_cache_free(struct kmem_cache *cache, void *object);

/* `count` objects at once: all of them, or none and false. */
bool kmem_cache_alloc_bulk(struct kmem_cache *cache, unsigned flags, size_t count, void **objects);

/* Of these, none is NULL. */
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t count, void **objects);

/* Gives back slabs without live objects; returns the bytes. */
size_t kmem_cache_shrink(struct kmem_cache *cache);

struct kmem_cache_stats {
    const char *name;
    size_t size;
    size_t live, capacity; /* objects */
    size_t slabs, bytes;   /* and the memory of these */
};

/* Visits all caches, oldest last. Task context; `visit` must not create or destroy caches. */
void kmem_cache_visit(void (*visit)(const struct kmem_cache_stats *stats));

/* Verifies all caches; see check_expect(). Task context. */
size_t kmem_cache_check(check_report *report);

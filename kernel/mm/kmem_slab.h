/* SPDX-License-Identifier: MIT */
/* What an object cache is: for kmem_cache.c, kmem_cache_check.c and their tests. */
#pragma once

#include "kernel/lock.h"
#include "kernel/mm/kmem_cache.h"
#include "lib/list.h"
#include "lib/tree.h"

/* free_count == |bits of free|; it is in cache->slabs, and iff free_count > 0 in cache->ready. */
struct kmem_slab {
    struct list link;      /* of cache->ready */
    struct tree_node node; /* key: its first object */
    size_t free_count;
    uint64_t free[]; /* a bit for each object */
};

struct kmem_cache {
    struct lock lock;
    char name[KMEM_CACHE_NAME_SIZE];
    size_t size, stride; /* bytes of an object, and from one to the next */
    size_t slab_bytes, slab_objects;
    uint64_t reciprocal; /* 2^64 / stride, rounded up */
    void (*construct)(void *object);
    /* lock: */
    struct list ready; /* slabs that have free objects; those without live ones last */
    struct tree_node *slabs;
    size_t slab_count, live;
    /* The lock of the caches: */
    struct kmem_cache *next; /* in kmem_caches, or unused */
};

/* All caches that are not destroyed, the newest first, and their lock; task context only. */
extern struct kmem_cache *kmem_caches;
extern struct lock kmem_caches_lock;

static inline struct kmem_slab *kmem_slab_of_link(struct list *link)
{
    return container_of(link, struct kmem_slab, link);
}

static inline bool kmem_slab_is_unused(const struct kmem_cache *cache, const struct kmem_slab *slab)
{
    return slab->free_count == cache->slab_objects;
}

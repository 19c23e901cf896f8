/* SPDX-License-Identifier: MIT */
/* Benchmarks of the kernel heap and of vmalloc, under the names that Linux's figures have. */
#include <stddef.h>

#include "kernel/bench.h"
#include "kernel/heap_churn.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmem_cache.h"
#include "kernel/mm/vmalloc.h"
#include "lib/addr.h"
#include "lib/bits.h"

#define PAIRS 10000
#define BATCH 1000
#define FEW   10

static void *blocks[BATCH]; /* of the batch benchmarks; empty before and after each */
static volatile size_t sink;

static void pair(uint64_t size)
{
    for (unsigned i = 0; i < PAIRS; i++)
        kfree(kmalloc(size, 0));
}

static void batch_alloc(uint64_t size)
{
    for (unsigned i = 0; i < BATCH; i++)
        blocks[i] = kmalloc(size, 0);
}

static void batch_free(uint64_t size)
{
    (void)size;
    for (unsigned i = 0; i < BATCH; i++)
        kfree(blocks[i]);
}

/* In an order in which no two neighbours follow each other: 617 and BATCH have no common factor. */
static void random_free(uint64_t size)
{
    (void)size;
    for (unsigned i = 0; i < BATCH; i++)
        kfree(blocks[i * 617 % BATCH]);
}

static void sizes(uint64_t size)
{
    (void)size;
    for (unsigned i = 0; i < BATCH; i++)
        sink = ksize(blocks[i]);
}

static unsigned batch_of(uint64_t pages)
{
    return pages == 1 ? BATCH : FEW;
}

static void vmalloc_alloc(uint64_t pages)
{
    for (unsigned i = 0; i < batch_of(pages); i++)
        blocks[i] = vmalloc(pages * PAGE_SIZE);
}

static void vmalloc_free(uint64_t pages)
{
    for (unsigned i = 0; i < batch_of(pages); i++)
        vfree(blocks[i]);
}

/* An object cache: each benchmark has one of its own. */

#define CACHE_OBJECT 64

static struct kmem_cache *cache;

static void make_cache(uint64_t argument)
{
    (void)argument;
    cache = kmem_cache_create("bench", CACHE_OBJECT, 8, NULL);
    if (cache != NULL)
        kmem_cache_free(cache, kmem_cache_alloc(cache, 0));
}

static void destroy_cache(uint64_t argument)
{
    (void)argument;
    kmem_cache_destroy(cache);
}

static void cache_pair(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < PAIRS; i++)
        kmem_cache_free(cache, kmem_cache_alloc(cache, 0));
}

static void cache_bulk_alloc(uint64_t count)
{
    kmem_cache_alloc_bulk(cache, 0, count, blocks);
}

static void cache_bulk_free(uint64_t count)
{
    kmem_cache_free_bulk(cache, count, blocks);
}

/* With slabs for so many objects at hand. */
static void make_filled_cache(uint64_t count)
{
    make_cache(count);
    cache_bulk_alloc(count);
    cache_bulk_free(count);
}

static void make_taken_cache(uint64_t count)
{
    make_cache(count);
    cache_bulk_alloc(count);
}

static void free_and_destroy_cache(uint64_t count)
{
    cache_bulk_free(count);
    destroy_cache(count);
}

static void nothing(uint64_t argument)
{
    (void)argument;
}

const struct bench bench_heap[] = {
    {"kmalloc.pair.16", pair, 16, PAIRS, nothing, nothing},
    {"kmalloc.pair.64", pair, 64, PAIRS, nothing, nothing},
    {"kmalloc.pair.256", pair, 256, PAIRS, nothing, nothing},
    {"kmalloc.pair.1024", pair, 1024, PAIRS, nothing, nothing},
    {"kmalloc.pair.4096", pair, 4096, PAIRS, nothing, nothing},
    {"kmalloc.pair.8192", pair, 8192, PAIRS, nothing, nothing},
    {"kmalloc.pair.16384", pair, 16384, PAIRS, nothing, nothing},
    {"kmalloc.pair.65536", pair, 65536, PAIRS, nothing, nothing},
    {"kmalloc.batch_alloc.16", batch_alloc, 16, BATCH, nothing, batch_free},
    {"kmalloc.batch_alloc.64", batch_alloc, 64, BATCH, nothing, batch_free},
    {"kmalloc.batch_alloc.256", batch_alloc, 256, BATCH, nothing, batch_free},
    {"kmalloc.batch_alloc.1024", batch_alloc, 1024, BATCH, nothing, batch_free},
    {"kmalloc.batch_alloc.4096", batch_alloc, 4096, BATCH, nothing, batch_free},
    {"kmalloc.batch_alloc.8192", batch_alloc, 8192, BATCH, nothing, batch_free},
    {"kmalloc.batch_free.16", batch_free, 16, BATCH, batch_alloc, nothing},
    {"kmalloc.batch_free.64", batch_free, 64, BATCH, batch_alloc, nothing},
    {"kmalloc.batch_free.256", batch_free, 256, BATCH, batch_alloc, nothing},
    {"kmalloc.batch_free.1024", batch_free, 1024, BATCH, batch_alloc, nothing},
    {"kmalloc.batch_free.4096", batch_free, 4096, BATCH, batch_alloc, nothing},
    {"kmalloc.batch_free.8192", batch_free, 8192, BATCH, batch_alloc, nothing},
    {"kmalloc.random_free.64", random_free, 64, BATCH, batch_alloc, nothing},
    {"kmem_cache.pair", cache_pair, 0, PAIRS, make_cache, destroy_cache},
    {"kmem_cache.bulk_alloc", cache_bulk_alloc, BATCH, BATCH, make_filled_cache,
     free_and_destroy_cache},
    {"kmem_cache.bulk_free", cache_bulk_free, BATCH, BATCH, make_taken_cache, destroy_cache},
    {"ksize", sizes, 64, BATCH, batch_alloc, batch_free},
    {"vmalloc.alloc.1", vmalloc_alloc, 1, BATCH, nothing, vmalloc_free},
    {"vmalloc.free.1", vmalloc_free, 1, BATCH, vmalloc_alloc, nothing},
    {"vmalloc.alloc.512", vmalloc_alloc, 512, FEW, nothing, vmalloc_free},
    {"vmalloc.free.512", vmalloc_free, 512, FEW, vmalloc_alloc, nothing},
    {0},
};

#define SLOTS      2000 /* 841 KiB live */
#define STEPS      60000
#define SLOTS_16M  43000
#define TIMES_MORE (SLOTS_16M / SLOTS)

static void tell(const char *name, uint64_t value, const char *unit, const char *prefix)
{
    if (bench_is_wanted(name, prefix))
        bench_tell(name, value, unit);
}

bool bench_churn(const char *prefix)
{
    struct heap_churn small = {.slots = SLOTS, .steps = STEPS};
    struct heap_churn large = {.slots = SLOTS_16M, .steps = (size_t)STEPS * TIMES_MORE};
    if (!heap_churn_run(&small) || !heap_churn_run(&large))
        return false;
    tell("kmalloc.churn.alloc_mean", small.alloc_ticks / small.allocs, "ticks", prefix);
    tell("kmalloc.churn.alloc_max", small.alloc_max, "ticks", prefix);
    tell("kmalloc.churn.free_mean", small.free_ticks / small.frees, "ticks", prefix);
    tell("kmalloc.churn.free_max", small.free_max, "ticks", prefix);
    tell("kmalloc.churn.live", small.live / 1024, "KiB", prefix);
    tell("kmalloc.churn.taken", small.taken / 1024, "KiB", prefix);
    tell("kmalloc.churn16M.live", large.live / 1024, "KiB", prefix);
    tell("kmalloc.churn16M.taken", large.taken / 1024, "KiB", prefix);
    return true;
}

/* SPDX-License-Identifier: MIT */
/* Takes all object caches, and counts and verifies what is in them. */
#include "kernel/mm/kmem_slab.h"
#include "lib/bits.h"

void kmem_cache_visit(void (*visit)(const struct kmem_cache_stats *stats))
{
    lock_take(&kmem_caches_lock);
    for (struct kmem_cache *cache = kmem_caches; cache != NULL; cache = cache->next) {
        struct kmem_cache_stats stats = {.name = cache->name, .size = cache->size};
        bool were_on = lock_take_irq(&cache->lock);
        stats.live = cache->live;
        stats.slabs = cache->slab_count;
        lock_release_irq(&cache->lock, were_on);
        stats.capacity = stats.slabs * cache->slab_objects;
        stats.bytes = stats.slabs * cache->slab_bytes;
        visit(&stats);
    }
    lock_release(&kmem_caches_lock);
}

static void check_slab(struct check *check, const struct kmem_cache *cache, struct kmem_slab *slab)
{
    size_t free = 0;
    for (size_t i = 0; i < cache->slab_objects; i++)
        free += bits_test(slab->free, i);
    check_expect(check, free == slab->free_count,
                 "the slab at 0x%lx of the cache %s counts %zu free objects, but has %zu",
                 slab->node.key, cache->name, slab->free_count, free);
    check_expect(check, list_is_empty(&slab->link) == (free == 0),
                 "the slab at 0x%lx of the cache %s has %zu free objects, but is%s listed",
                 slab->node.key, cache->name, free, free == 0 ? "" : " not");
}

/* Under the cache's lock. */
static void check_order(struct check *check, const struct kmem_cache *cache)
{
    bool unused_before = false;
    list_for_each (link, &cache->ready) {
        bool is_unused_now = kmem_slab_is_unused(cache, kmem_slab_of_link(link));
        check_expect(check, is_unused_now || !unused_before,
                     "the cache %s has a slab in use behind one without live objects", cache->name);
        unused_before = is_unused_now;
    }
}

static void check_cache(struct check *check, const struct kmem_cache *cache)
{
    size_t slabs = 0, live = 0;
    bool is_sound = tree_is_sound(cache->slabs);
    check_expect(check, is_sound, "the tree of slabs of the cache %s is out of order or of balance",
                 cache->name);
    for (struct tree_node *node = is_sound ? tree_at_or_above(cache->slabs, 0) : NULL; node != NULL;
         node = tree_at_or_above(cache->slabs, node->key + 1)) {
        struct kmem_slab *slab = container_of(node, struct kmem_slab, node);
        check_slab(check, cache, slab);
        live += cache->slab_objects - slab->free_count;
        slabs++;
    }
    check_expect(check, slabs == cache->slab_count && live == cache->live,
                 "the cache %s counts %zu slabs and %zu live objects, but has %zu and %zu",
                 cache->name, cache->slab_count, cache->live, slabs, live);
    check_order(check, cache);
}

size_t kmem_cache_check(check_report *report)
{
    struct check check = {.report = report};
    lock_take(&kmem_caches_lock);
    for (struct kmem_cache *cache = kmem_caches; cache != NULL; cache = cache->next) {
        bool were_on = lock_take_irq(&cache->lock);
        check_cache(&check, cache);
        lock_release_irq(&cache->lock, were_on);
    }
    lock_release(&kmem_caches_lock);
    return check.violations;
}

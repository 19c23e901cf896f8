/* SPDX-License-Identifier: MIT */
/*
 * Object caches: takes slabs from kmalloc, aligned to their size, and gives out the objects in
 * them. A bit for each object, beside the slab, says whether it is free, so nothing is written into
 * an object that nobody has, and every object that comes back is known to have been out.
 */
#include "kernel/mm/kmem_cache.h"

#include "kernel/log.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmem_slab.h"
#include "kernel/panic.h"
#include "lib/addr.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "lib/format.h"
#include "lib/string.h"

#define OBJECTS_MIN 8 /* in a slab, so that less than a ninth of it is left over */
#define ALIGN_MIN   8
#define ALONE       static inline __attribute__((always_inline)) /* compiled anew for a count of 1 */
#define SIZE_LIMIT  ((size_t)1 << 40)                            /* larger objects are absurd */

struct lock kmem_caches_lock;
struct kmem_cache *kmem_caches;
static struct kmem_cache *unused; /* destroyed; kept for the next, as locks are for ever */

/* --- slabs --------------------------------------------------------------------------------------
 */

static void free_slab(struct kmem_slab *slab)
{
    kfree((void *)slab->node.key);
    kfree(slab);
}

static void construct_all(const struct kmem_cache *cache, const struct kmem_slab *slab)
{
    if (cache->construct == NULL)
        return;
    for (size_t i = 0; i < cache->slab_objects; i++)
        cache->construct((char *)slab->node.key + i * cache->stride);
}

/* A slab that is not in the cache yet, all objects free and constructed; or NULL. Called without
 * the lock. */
static struct kmem_slab *make_slab(const struct kmem_cache *cache, unsigned flags)
{
    size_t words = (cache->slab_objects + 63) / 64;
    struct kmem_slab *slab = kmalloc(sizeof *slab + words * sizeof slab->free[0], flags);
    if (slab == NULL)
        return NULL;
    slab->node.key = (uintptr_t)kmalloc_aligned(cache->slab_bytes, cache->slab_bytes, flags);
    if (slab->node.key == 0) {
        free_slab(slab);
        return NULL;
    }
    slab->free_count = cache->slab_objects;
    for (size_t i = 0; i < words; i++)
        slab->free[i] = bits_mask(0, (unsigned)bits_min(64, cache->slab_objects - i * 64));
    construct_all(cache, slab);
    return slab;
}

static bool grow(struct kmem_cache *cache, unsigned flags)
{
    struct kmem_slab *slab = make_slab(cache, flags);
    if (slab == NULL)
        return false;
    bool were_on = lock_take_irq(&cache->lock);
    tree_insert(&cache->slabs, &slab->node);
    list_push_back(&cache->ready, &slab->link);
    cache->slab_count++;
    lock_release_irq(&cache->lock, were_on);
    return true;
}

/* Moves the slabs without live objects to `gone`. */
static void take_unused(struct kmem_cache *cache, struct list *gone)
{
    bool were_on = lock_take_irq(&cache->lock);
    while (!list_is_empty(&cache->ready)) {
        struct kmem_slab *slab = kmem_slab_of_link(cache->ready.prev);
        if (!kmem_slab_is_unused(cache, slab))
            break;
        list_remove(&slab->link);
        list_push_back(gone, &slab->link);
        tree_remove(&cache->slabs, &slab->node);
        cache->slab_count--;
    }
    lock_release_irq(&cache->lock, were_on);
}

/* Returns the bytes. No lock of a cache is held. */
static size_t free_slabs(struct list *gone)
{
    size_t bytes = 0;
    struct list *link = gone->next;
    while (link != gone) {
        struct kmem_slab *slab = kmem_slab_of_link(link);
        link = link->next;
        bytes += ksize((void *)slab->node.key);
        free_slab(slab);
    }
    return bytes;
}

/* --- allocation ---------------------------------------------------------------------------------
 */

ALONE size_t take_from(const struct kmem_cache *cache, struct kmem_slab *slab, void **objects,
                       size_t count)
{
    size_t wanted = bits_min(count, slab->free_count), taken = 0;
    for (size_t word = 0; taken < wanted; word++) {
        uintptr_t first = slab->node.key + word * 64 * cache->stride;
        uint64_t free = slab->free[word];
        for (; free != 0 && taken < wanted; free &= free - 1)
            objects[taken++] = (void *)(first + bits_lowest(free) * cache->stride);
        slab->free[word] = free;
    }
    slab->free_count -= taken;
    return taken;
}

/* As many as there are, up to `count`. */
ALONE size_t take(struct kmem_cache *cache, void **objects, size_t count)
{
    size_t taken = 0;
    bool were_on = lock_take_irq(&cache->lock);
    while (taken < count && !list_is_empty(&cache->ready)) {
        struct kmem_slab *slab = kmem_slab_of_link(cache->ready.next);
        taken += take_from(cache, slab, objects + taken, count - taken);
        if (slab->free_count == 0)
            list_remove(&slab->link);
    }
    cache->live += taken;
    lock_release_irq(&cache->lock, were_on);
    return taken;
}

static void check_flags(const struct kmem_cache *cache, unsigned flags)
{
    if ((flags & ~(unsigned)(KM_ATOMIC | KM_NOWAIT | KM_ZERO)) != 0)
        panic("0x%x is not a set of flags for the cache %s", flags, cache->name);
    if ((flags & KM_ZERO) != 0 && cache->construct != NULL)
        panic("an object of the cache %s is constructed, and cannot be asked for zeroed",
              cache->name);
}

bool kmem_cache_alloc_bulk(struct kmem_cache *cache, unsigned flags, size_t count, void **objects)
{
    if (flags != 0)
        check_flags(cache, flags);
    size_t taken = take(cache, objects, count);
    while (taken < count) {
        if (!grow(cache, flags & ~(unsigned)KM_ZERO)) {
            kmem_cache_free_bulk(cache, taken, objects);
            return false;
        }
        taken += take(cache, objects + taken, count - taken);
    }
    for (size_t i = 0; (flags & KM_ZERO) != 0 && i < count; i++)
        memset(objects[i], 0, cache->size);
    return true;
}

void *kmem_cache_alloc(struct kmem_cache *cache, unsigned flags)
{
    void *object;
    if (flags == 0 && take(cache, &object, 1) == 1)
        return object;
    return kmem_cache_alloc_bulk(cache, flags, 1, &object) ? object : NULL;
}

/* --- freeing ------------------------------------------------------------------------------------
 */

/* What is wrong with an object that comes back. */
enum misuse { NOTHING, IS_FREE, IS_INSIDE, IS_FOREIGN };

static _Noreturn void refuse(const struct kmem_cache *cache, const void *object, enum misuse misuse)
{
    switch (misuse) {
    case IS_FREE:
        panic("%p, an object of the cache %s (%zu bytes), is already free", object, cache->name,
              cache->size);
    case IS_INSIDE:
        panic("%p points into a slab of the cache %s, but is not the start of an object", object,
              cache->name);
    default:
        panic("%p is not an object of the cache %s", object, cache->name);
    }
}

static bool holds(const struct kmem_cache *cache, const struct kmem_slab *slab, uintptr_t address)
{
    return slab != NULL && address - slab->node.key < cache->slab_bytes;
}

static struct kmem_slab *find_slab(const struct kmem_cache *cache, uintptr_t address)
{
    struct tree_node *node = tree_at_or_below(cache->slabs, address);
    struct kmem_slab *slab = node != NULL ? container_of(node, struct kmem_slab, node) : NULL;
    return holds(cache, slab, address) ? slab : NULL;
}

/* The number of the object at `offset` in its slab, or of the one in which that lies. Rounding up
 * the reciprocal does no harm, as offset * stride < 2^64. */
static size_t number_at(const struct kmem_cache *cache, size_t offset)
{
    return (size_t)((unsigned __int128)offset * cache->reciprocal >> 64);
}

static void note_free(struct kmem_cache *cache, struct kmem_slab *slab)
{
    slab->free_count++;
    if (slab->free_count == 1)
        list_push_front(&cache->ready, &slab->link);
    if (!kmem_slab_is_unused(cache, slab) || cache->ready.prev == &slab->link)
        return;
    list_remove(&slab->link);
    list_push_back(&cache->ready, &slab->link);
}

/* Marks the object as free. `*slab` is where it may well be, or NULL; it is told where it was. */
ALONE enum misuse put(struct kmem_cache *cache, struct kmem_slab **slab, const void *object)
{
    uintptr_t address = (uintptr_t)object;
    if (!holds(cache, *slab, address))
        *slab = find_slab(cache, address);
    if (*slab == NULL)
        return IS_FOREIGN;
    size_t offset = address - (*slab)->node.key;
    size_t number = number_at(cache, offset);
    if (number * cache->stride != offset || number >= cache->slab_objects)
        return IS_INSIDE;
    if (bits_test((*slab)->free, number))
        return IS_FREE;
    bits_set((*slab)->free, number);
    note_free(cache, *slab);
    return NOTHING;
}

ALONE void free_all(struct kmem_cache *cache, size_t count, void **objects)
{
    enum misuse misuse = NOTHING;
    size_t done = 0;
    bool were_on = lock_take_irq(&cache->lock);
    struct kmem_slab *slab =
        list_is_empty(&cache->ready) ? NULL : kmem_slab_of_link(cache->ready.next);
    for (; done < count && misuse == NOTHING; done++)
        misuse = put(cache, &slab, objects[done]);
    cache->live -= misuse == NOTHING ? done : done - 1;
    lock_release_irq(&cache->lock, were_on);
    if (misuse != NOTHING)
        refuse(cache, objects[done - 1], misuse);
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t count, void **objects)
{
    free_all(cache, count, objects);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
    if (object != NULL)
        free_all(cache, 1, &object);
}

/* --- caches -------------------------------------------------------------------------------------
 */

/* For kmalloc; each cache is asked for all that it has. */
static size_t shrink_all(struct kmalloc_shrinker *shrinker, size_t bytes)
{
    (void)shrinker, (void)bytes;
    struct list gone;
    list_init(&gone);
    lock_take(&kmem_caches_lock);
    for (struct kmem_cache *cache = kmem_caches; cache != NULL; cache = cache->next)
        take_unused(cache, &gone);
    lock_release(&kmem_caches_lock);
    return free_slabs(&gone);
}

void kmem_cache_init(void)
{
    static struct kmalloc_shrinker shrinker = {.shrink = shrink_all};
    lock_init(&kmem_caches_lock, "object caches", LOCK_CACHES);
    kmem_caches = NULL;
    unused = NULL;
    kmalloc_add_shrinker(&shrinker);
}

/* Memory for a cache. One that was used before is on the list of locks. */
static struct kmem_cache *make_cache(void)
{
    lock_take(&kmem_caches_lock);
    struct kmem_cache *cache = unused;
    if (cache != NULL)
        unused = cache->next;
    lock_release(&kmem_caches_lock);
    return cache != NULL ? cache : kmalloc(sizeof *cache, 0);
}

static void lay_out(struct kmem_cache *cache, size_t size, size_t align)
{
    cache->size = size;
    cache->stride = bits_round_up(size, bits_max(align, ALIGN_MIN));
    cache->reciprocal = UINT64_MAX / cache->stride + 1;
    cache->slab_bytes = bits_max(PAGE_SIZE, (size_t)1 << bits_log2_up(cache->stride * OBJECTS_MIN));
    cache->slab_objects = cache->slab_bytes / cache->stride;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
                                     void (*construct)(void *object))
{
    if (size == 0 || !bits_is_power_of_two(align))
        panic("the cache %s cannot have objects of %zu bytes aligned to %zu", name, size, align);
    if (size > SIZE_LIMIT || align > SIZE_LIMIT)
        return NULL;
    struct kmem_cache *cache = make_cache();
    if (cache == NULL)
        return NULL;
    format_text(cache->name, sizeof cache->name, "%s", name);
    lock_init(&cache->lock, cache->name, LOCK_CACHE);
    lay_out(cache, size, align);
    cache->construct = construct;
    list_init(&cache->ready);
    cache->slabs = NULL;
    cache->slab_count = 0;
    cache->live = 0;
    lock_take(&kmem_caches_lock);
    cache->next = kmem_caches;
    kmem_caches = cache;
    lock_release(&kmem_caches_lock);
    return cache;
}

size_t kmem_cache_shrink(struct kmem_cache *cache)
{
    struct list gone;
    list_init(&gone);
    take_unused(cache, &gone);
    return free_slabs(&gone);
}

#define NAMED_MAX 8 /* live objects in the log */

/* Writes the addresses of the first live objects. Under the cache's lock. */
static void list_live(const struct kmem_cache *cache, char *text, size_t room)
{
    size_t length = 0;
    unsigned named = 0;
    for (struct tree_node *node = tree_at_or_above(cache->slabs, 0); node != NULL;
         node = tree_at_or_above(cache->slabs, node->key + 1)) {
        const struct kmem_slab *slab = container_of(node, struct kmem_slab, node);
        for (size_t i = 0; i < cache->slab_objects && named < NAMED_MAX; i++) {
            if (bits_test(slab->free, i))
                continue;
            length += format_text(text + length, room - length, " %p",
                                  (void *)(node->key + i * cache->stride));
            named++;
        }
    }
}

static size_t tell_live(struct kmem_cache *cache)
{
    char text[NAMED_MAX * 20] = "";
    bool were_on = lock_take_irq(&cache->lock);
    size_t live = cache->live;
    list_live(cache, text, sizeof text);
    lock_release_irq(&cache->lock, were_on);
    if (live > 0)
        log_print("cache", "%s cannot be destroyed: %zu objects are live:%s%s", cache->name, live,
                  text, live > NAMED_MAX ? " ..." : "");
    return live;
}

/* False iff it is not listed. */
static bool unlist(struct kmem_cache *cache)
{
    lock_take(&kmem_caches_lock);
    struct kmem_cache **link = &kmem_caches;
    while (*link != NULL && *link != cache)
        link = &(*link)->next;
    bool was_listed = *link != NULL;
    if (was_listed) {
        *link = cache->next;
        cache->next = unused;
        unused = cache;
    }
    lock_release(&kmem_caches_lock);
    return was_listed;
}

int kmem_cache_destroy(struct kmem_cache *cache)
{
    if (tell_live(cache) > 0)
        return -EBUSY;
    kmem_cache_shrink(cache);
    if (!unlist(cache))
        panic("%p is not an object cache", (void *)cache);
    return 0;
}

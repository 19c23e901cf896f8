/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: takes a size and flags, and passes them on to the heap of this CPU and context, or for
 * KM_DMA32 to frames. What is not to be had at once is looked for once more in the ways that the
 * flags allow.
 */
#include "kernel/mm/kmalloc.h"

#include "kernel/lock.h"
#include "kernel/mm/kmalloc_dma.h"
#include "kernel/mm/kmalloc_shrink.h"
#include "kernel/mm/kmalloc_sites.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_class.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "lib/string.h"

#define KM_ALL ((unsigned)(KM_ZERO | KM_ATOMIC | KM_NOWAIT | KM_DMA32))

static struct heap_world world;

void kmalloc_init(void)
{
    struct heap_setup setup;
    heap_home_setup(&world, &setup);
    if (!heap_world_init(&world, &setup))
        panic("no memory for the first page of the heap's table");
    kmalloc_dma_init();
    kmalloc_shrink_init();
    heap_home_start();
}

/* What somebody asks for. */
struct wish {
    void *block; /* to be resized, or NULL */
    size_t size, align;
    unsigned flags;
};

static void check_flags(unsigned flags)
{
    if ((flags & ~KM_ALL) != 0)
        panic("0x%x is not a set of kmalloc flags", flags);
}

static void *allocate(const struct wish *wish)
{
    struct heap *heap = heap_home_current();
    bool zero = (wish->flags & KM_ZERO) != 0;
    if ((wish->flags & KM_DMA32) != 0)
        return kmalloc_dma_alloc(wish->size, wish->align, zero);
    if (wish->align <= HEAP_MIN_ALIGN)
        return zero ? heap_alloc_zeroed(heap, wish->size) : heap_alloc(heap, wish->size);
    void *block = heap_alloc_aligned(heap, wish->size, wish->align);
    if (block != NULL && zero)
        memset(block, 0, heap_size(&world, block));
    return block;
}

static size_t dma_size(const void *block)
{
    return kmalloc_dma_is_near(block) ? kmalloc_dma_size(block) : 0;
}

static void *resize_dma(const struct wish *wish, size_t had)
{
    if (wish->size <= had)
        return wish->block;
    void *to = kmalloc_dma_alloc(wish->size, 0, (wish->flags & KM_ZERO) != 0);
    if (to == NULL)
        return NULL;
    memcpy(to, wish->block, had);
    kmalloc_dma_free(wish->block);
    return to;
}

static void *resize(const struct wish *wish)
{
    size_t had = dma_size(wish->block);
    if (had != 0)
        return resize_dma(wish, had);
    if ((wish->flags & KM_DMA32) != 0)
        panic("%p was not allocated with KM_DMA32", wish->block);
    had = heap_size(&world, wish->block);
    char *resized = heap_realloc(heap_home_current(), wish->block, wish->size);
    if (resized == NULL || (wish->flags & KM_ZERO) == 0)
        return resized;
    size_t has = heap_size(&world, resized);
    if (has > had)
        memset(resized + had, 0, has - had);
    return resized;
}

static void *attempt(const struct wish *wish)
{
    return wish->block == NULL ? allocate(wish) : resize(wish);
}

/* With the frames that others may not have. */
static void *attempt_with_reserve(const struct wish *wish)
{
    bool might = pmm_use_reserve(true);
    void *block = attempt(wish);
    pmm_use_reserve(might);
    return block;
}

/* Memory that is given back may be taken by others at once, so more than one attempt makes sense.
 * Trimming always finds something if the attempt before it failed half-way. */
#define ATTEMPTS 8

static void *attempt_with_shrinking(const struct wish *wish)
{
    void *block = NULL;
    for (unsigned i = 0; i < ATTEMPTS && block == NULL; i++) {
        size_t freed = heap_trim(heap_home_task());
        if (freed < wish->size)
            freed += kmalloc_shrink(wish->size);
        if (freed == 0)
            return NULL;
        block = attempt(wish);
    }
    return block;
}

/* Who has interrupts off or holds a lock is in the midst of something. */
static bool may_shrink(const struct wish *wish)
{
    return (wish->flags & (KM_ATOMIC | KM_NOWAIT)) == 0 &&
           wish->size <= pmm_account().ram * PAGE_SIZE && lock_home_interrupts_are_on() &&
           lock_home_context() == LOCK_IN_TASK && lock_held() == NULL;
}

static void *fulfil(const struct wish *wish)
{
    check_flags(wish->flags);
    void *block = attempt(wish);
    if (block != NULL)
        return block;
    if ((wish->flags & KM_ATOMIC) != 0)
        return attempt_with_reserve(wish);
    return may_shrink(wish) ? attempt_with_shrinking(wish) : NULL;
}

/* The heap aligns powers of two by itself up to HEAP_SMALL_MAX: there each is a class. */
static __attribute__((noinline)) void *kmalloc_slow(size_t size, unsigned flags)
{
    bool natural = size > HEAP_SMALL_MAX && bits_is_power_of_two(size);
    return fulfil(&(struct wish){NULL, size, natural ? size : 0, flags});
}

/* --- call sites, in debug builds --- */

static void *noted(void *block, size_t size, const void *caller)
{
    if (LOAM_DEBUG && block != NULL)
        kmalloc_sites_alloc(block, size, caller);
    return block;
}

#define SENTENCE 256

/* Like the heap, but says who allocated and freed what lies there. */
static _Noreturn void refuse(const void *block)
{
    char what[SENTENCE], who[SENTENCE];
    heap_explain(&world, block, what, sizeof what);
    size_t known = kmalloc_sites_explain(block, who, sizeof who);
    panic("%s%s%s", what, known > 0 ? "; " : "", who);
}

/* Before the block is anybody else's. */
static void note_free(const void *block, const void *caller)
{
    if (!LOAM_DEBUG || block == NULL)
        return;
    if (HEAP_CHECKED && !kmalloc_dma_is_near(block) && !heap_owns(&world, block))
        refuse(block);
    kmalloc_sites_free(block, caller);
}

/* --- the calls --- */

#define CALLER __builtin_return_address(0)

static inline __attribute__((always_inline)) void *allocate_fast(size_t size, unsigned flags)
{
    if (flags != 0 || size > HEAP_SMALL_MAX)
        return kmalloc_slow(size, flags);
    struct heap *heap = heap_home_current();
    void *block = heap_pop(heap, heap_class_of(heap, size));
    if (__builtin_expect(block == NULL, false))
        block = heap_alloc_slow(size, heap);
    return __builtin_expect(block != NULL, true) ? block : kmalloc_slow(size, 0);
}

void *kmalloc(size_t size, unsigned flags)
{
    return noted(allocate_fast(size, flags), size, CALLER);
}

void *kcalloc(size_t count, size_t size, unsigned flags)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return noted(kmalloc_slow(bytes, flags | KM_ZERO), bytes, CALLER);
}

void *kmalloc_aligned(size_t size, size_t align, unsigned flags)
{
    if (!bits_is_power_of_two(align))
        panic("%zu is not an alignment: not a power of two", align);
    return noted(fulfil(&(struct wish){NULL, size, align, flags}), size, CALLER);
}

/* If nothing comes of it the block counts as allocated here, too. */
void *krealloc(void *block, size_t size, unsigned flags)
{
    if (block == NULL)
        return noted(kmalloc_slow(size, flags), size, CALLER);
    note_free(block, CALLER);
    void *resized = fulfil(&(struct wish){block, size, 0, flags});
    noted(resized != NULL ? resized : block, size, CALLER);
    return resized;
}

static __attribute__((noinline)) void free_slow(void *block)
{
    if (!kmalloc_dma_is_near(block) || !kmalloc_dma_free(block))
        heap_free(heap_home_current(), block);
}

void kfree(void *block)
{
    note_free(block, CALLER);
    if (!heap_free_ready(heap_home_current(), block))
        free_slow(block);
}

void kfree_sized(void *block, size_t size)
{
    note_free(block, CALLER);
    size_t dma = dma_size(block);
    if (size > dma && dma != 0)
        panic("%p is a block of %zu bytes, not one for %zu", block, dma, size);
    if (dma != 0)
        kmalloc_dma_free(block);
    else
        heap_free_sized(heap_home_current(), block, size);
}

static __attribute__((noinline)) size_t ksize_slow(const void *block)
{
    size_t dma = dma_size(block);
    return dma != 0 ? dma : heap_size(&world, block);
}

size_t ksize(const void *block)
{
    if (HEAP_CHECKED)
        return ksize_slow(block);
    const struct heap *heap = heap_home_current();
    const struct heap_slice *slab = heap_slice_in(heap->table, heap->mask, (uintptr_t)block);
    if (heap_owner(slab) == NULL || !heap_is_object(slab, (uintptr_t)block))
        return ksize_slow(block);
    return heap_class_size(slab->size_class);
}

struct heap_world *kmalloc_world(void)
{
    return &world;
}

size_t kmalloc_trim(void)
{
    return heap_trim(heap_home_task());
}

size_t kmalloc_check(check_report *report)
{
    return kmalloc_dma_check(report) + heap_check(&world, report);
}

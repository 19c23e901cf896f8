/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: takes a size and flags, and passes them on to the heap; or, for KM_DMA32, to the frame
 * allocator, since only frames are known to lie side by side below 4 GiB. Those blocks are seen
 * through the direct map, and records of them, in the heap, tell kfree what they are.
 */
#include <machine.h>

#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/string.h"
#include "lib/tree.h"

#define KM_ALL ((unsigned)(KM_ZERO | KM_ATOMIC | KM_NOWAIT | KM_DMA32))

struct dma_block {
    struct tree_node node; /* key: where it is in the direct map */
    frame_t frame;
    unsigned order;
};

static struct heap_world world;
static struct heap heap;
static struct tree_node *dma_blocks;

void kmalloc_init(void)
{
    struct heap_setup setup;
    heap_home_setup(&world, &setup);
    if (!heap_world_init(&world, &setup))
        panic("no memory for the first page of the heap's table");
    heap_init(&heap, &world);
    dma_blocks = NULL;
}

static void check_flags(unsigned flags)
{
    if ((flags & ~KM_ALL) != 0)
        panic("0x%x is not a set of kmalloc flags", flags);
}

static size_t dma_size(const struct dma_block *dma)
{
    return PAGE_SIZE << dma->order;
}

/* The KM_DMA32 block that starts at `block`, or NULL if it is not of this kind. */
static struct dma_block *dma_find(const void *block)
{
    struct tree_node *node = tree_at_or_below(dma_blocks, (uintptr_t)block);
    if (node == NULL)
        return NULL;
    struct dma_block *dma = container_of(node, struct dma_block, node);
    size_t inside = (uintptr_t)block - node->key;
    if (inside >= dma_size(dma))
        return NULL;
    if (inside != 0)
        panic("%p points %zu bytes into a live KM_DMA32 block of %zu bytes at %p", block, inside,
              dma_size(dma), (void *)node->key);
    return dma;
}

/* A block of frames is aligned to its size, so alignment is a matter of size. */
static void *dma_alloc(size_t size, size_t align, bool zero)
{
    size_t bytes = size > align ? size : align;
    if (bytes > PAGE_SIZE << FRAME_ORDER_MAX)
        return NULL;
    unsigned order = bytes <= PAGE_SIZE ? 0 : bits_log2_up(bytes) - PAGE_SHIFT;
    struct dma_block *dma = heap_alloc(&heap, sizeof *dma);
    if (dma == NULL)
        return NULL;
    struct frame_request request = {.below = frame_of_phys((phys_t){4 * GIB}),
                                    .order = (uint8_t)order,
                                    .flags = zero ? FRAME_ZERO : 0};
    frame_t frame = pmm_alloc(PMM_HEAP, request);
    if (frame_is_none(frame)) {
        heap_free(&heap, dma);
        return NULL;
    }
    void *block = machine_phys_to_virt(phys_of_frame(frame));
    *dma = (struct dma_block){{.key = (uintptr_t)block}, frame, order};
    tree_insert(&dma_blocks, &dma->node);
    return block;
}

static void dma_free(struct dma_block *dma)
{
    tree_remove(&dma_blocks, &dma->node);
    pmm_free(PMM_HEAP, dma->frame, dma->order);
    heap_free(&heap, dma);
}

static void *alloc(size_t size, size_t align, unsigned flags)
{
    check_flags(flags);
    bool zero = (flags & KM_ZERO) != 0;
    if ((flags & KM_DMA32) != 0)
        return dma_alloc(size, align, zero);
    if (align <= HEAP_MIN_ALIGN)
        return zero ? heap_alloc_zeroed(&heap, size) : heap_alloc(&heap, size);
    void *block = heap_alloc_aligned(&heap, size, align);
    if (block != NULL && zero)
        memset(block, 0, heap_size(&world, block));
    return block;
}

/* The heap aligns powers of two by itself up to HEAP_SMALL_MAX: there each is a class. */
void *kmalloc(size_t size, unsigned flags)
{
    if (flags == 0 && size - 1 < HEAP_SMALL_MAX)
        return heap_alloc(&heap, size);
    bool natural = size > HEAP_SMALL_MAX && bits_is_power_of_two(size);
    return alloc(size, natural ? size : 0, flags);
}

void *kcalloc(size_t count, size_t size, unsigned flags)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return kmalloc(bytes, flags | KM_ZERO);
}

void *kmalloc_aligned(size_t size, size_t align, unsigned flags)
{
    if (!bits_is_power_of_two(align))
        panic("%zu is not an alignment: not a power of two", align);
    return alloc(size, align, flags);
}

static void *dma_realloc(struct dma_block *dma, size_t size, bool zero)
{
    void *block = (void *)dma->node.key;
    if (size <= dma_size(dma))
        return block;
    void *to = dma_alloc(size, 0, zero);
    if (to == NULL)
        return NULL;
    memcpy(to, block, dma_size(dma));
    dma_free(dma);
    return to;
}

void *krealloc(void *block, size_t size, unsigned flags)
{
    if (block == NULL)
        return kmalloc(size, flags);
    check_flags(flags);
    bool zero = (flags & KM_ZERO) != 0;
    struct dma_block *dma = dma_find(block);
    if (dma != NULL)
        return dma_realloc(dma, size, zero);
    if ((flags & KM_DMA32) != 0)
        panic("%p was not allocated with KM_DMA32", block);
    size_t had = heap_size(&world, block);
    char *resized = heap_realloc(&heap, block, size);
    if (resized != NULL && zero && heap_size(&world, resized) > had)
        memset(resized + had, 0, heap_size(&world, resized) - had);
    return resized;
}

static void free_of_either_kind(void *block)
{
    struct dma_block *dma = dma_find(block);
    if (dma != NULL)
        dma_free(dma);
    else
        heap_free(&heap, block);
}

void kfree(void *block)
{
    if (dma_blocks == NULL)
        heap_free(&heap, block);
    else
        free_of_either_kind(block);
}

void kfree_sized(void *block, size_t size)
{
    const struct dma_block *dma = dma_find(block);
    if (dma == NULL) {
        heap_free_sized(&heap, block, size);
        return;
    }
    if (size > dma_size(dma))
        panic("%p is a block of %zu bytes, not one for %zu", block, dma_size(dma), size);
    kfree(block);
}

size_t ksize(const void *block)
{
    const struct dma_block *dma = dma_find(block);
    return dma != NULL ? dma_size(dma) : heap_size(&world, block);
}

struct heap_world *kmalloc_world(void)
{
    return &world;
}

size_t kmalloc_trim(void)
{
    return heap_trim(&heap);
}

size_t kmalloc_check(check_report *report)
{
    struct check check = {.report = report};
    bool is_sound = tree_is_sound(dma_blocks);
    check_expect(&check, is_sound, "the tree of KM_DMA32 blocks is out of order or out of balance");
    uintptr_t end = 0; /* of the block before */
    for (struct tree_node *node = is_sound ? tree_at_or_above(dma_blocks, 0) : NULL; node != NULL;
         node = tree_at_or_above(dma_blocks, node->key + 1)) {
        const struct dma_block *dma = container_of(node, struct dma_block, node);
        void *block = machine_phys_to_virt(phys_of_frame(dma->frame));
        check_expect(&check, node->key >= end, "the KM_DMA32 block at 0x%lx overlaps one below",
                     node->key);
        check_expect(&check, node->key == (uintptr_t)block,
                     "the KM_DMA32 block at 0x%lx is said to be at 0x%lx", (uintptr_t)block,
                     node->key);
        end = node->key + dma_size(dma);
    }
    return check.violations + heap_check(&world, report);
}

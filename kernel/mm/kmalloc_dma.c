/* SPDX-License-Identifier: MIT */
/* Blocks of KM_DMA32 and the records of them. */
#include "kernel/mm/kmalloc_dma.h"

#include "kernel/lock.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/tree.h"

struct dma_block {
    struct tree_node node; /* key: where it is in the direct map */
    frame_t frame;
    unsigned order;
};

static struct lock lock; /* of the tree; held for nothing else, with interrupts off */
static struct tree_node *blocks;

void kmalloc_dma_init(void)
{
    lock_init(&lock, "DMA blocks", LOCK_DMA);
    blocks = NULL;
}

static size_t size_of(const struct dma_block *dma)
{
    return PAGE_SIZE << dma->order;
}

/* The block that starts at `block`, or NULL if it is not of this kind. Under the lock. */
static struct dma_block *find(const void *block)
{
    struct tree_node *node = tree_at_or_below(blocks, (uintptr_t)block);
    if (node == NULL)
        return NULL;
    struct dma_block *dma = container_of(node, struct dma_block, node);
    size_t inside = (uintptr_t)block - node->key;
    if (inside >= size_of(dma))
        return NULL;
    if (inside != 0)
        panic("%p points %zu bytes into a live KM_DMA32 block of %zu bytes at %p", block, inside,
              size_of(dma), (void *)node->key);
    return dma;
}

/* A block of frames is aligned to its size, so alignment is a matter of size. */
void *kmalloc_dma_alloc(size_t size, size_t align, bool zero)
{
    size_t bytes = bits_max(size, align);
    if (bytes > PAGE_SIZE << FRAME_ORDER_MAX)
        return NULL;
    unsigned order = bytes <= PAGE_SIZE ? 0 : bits_log2_up(bytes) - PAGE_SHIFT;
    struct dma_block *dma = heap_alloc(heap_home_current(), sizeof *dma);
    if (dma == NULL)
        return NULL;
    struct frame_request request = {.below = frame_of_phys((phys_t){4 * GIB}),
                                    .order = (uint8_t)order,
                                    .flags = zero ? FRAME_ZERO : 0};
    frame_t frame = pmm_alloc(PMM_HEAP, request);
    if (frame_is_none(frame)) {
        heap_free(heap_home_current(), dma);
        return NULL;
    }
    void *block = machine_phys_to_virt(phys_of_frame(frame));
    *dma = (struct dma_block){{.key = (uintptr_t)block}, frame, order};
    bool were_on = lock_take_irq(&lock);
    tree_insert(&blocks, &dma->node);
    lock_release_irq(&lock, were_on);
    return block;
}

bool kmalloc_dma_free(void *block)
{
    bool were_on = lock_take_irq(&lock);
    struct dma_block *dma = find(block);
    if (dma != NULL)
        tree_remove(&blocks, &dma->node);
    lock_release_irq(&lock, were_on);
    if (dma == NULL)
        return false;
    pmm_free(PMM_HEAP, dma->frame, dma->order);
    heap_free(heap_home_current(), dma);
    return true;
}

size_t kmalloc_dma_size(const void *block)
{
    bool were_on = lock_take_irq(&lock);
    const struct dma_block *dma = find(block);
    size_t size = dma != NULL ? size_of(dma) : 0;
    lock_release_irq(&lock, were_on);
    return size;
}

size_t kmalloc_dma_check(check_report *report)
{
    struct check check = {.report = report};
    bool is_sound = tree_is_sound(blocks);
    check_expect(&check, is_sound, "the tree of KM_DMA32 blocks is out of order or out of balance");
    uintptr_t end = 0; /* of the block before */
    for (struct tree_node *node = is_sound ? tree_at_or_above(blocks, 0) : NULL; node != NULL;
         node = tree_at_or_above(blocks, node->key + 1)) {
        const struct dma_block *dma = container_of(node, struct dma_block, node);
        void *block = machine_phys_to_virt(phys_of_frame(dma->frame));
        check_expect(&check, node->key >= end, "the KM_DMA32 block at 0x%lx overlaps one below",
                     node->key);
        check_expect(&check, node->key == (uintptr_t)block,
                     "the KM_DMA32 block at 0x%lx is said to be at 0x%lx", (uintptr_t)block,
                     node->key);
        end = node->key + size_of(dma);
    }
    return check.violations;
}

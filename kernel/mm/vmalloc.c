/* SPDX-License-Identifier: MIT */
/*
 * vmalloc: takes addresses from a window of its own, one sparse region, and has memory put behind
 * them. Pages between blocks never have any: these are the guards. Records of the blocks, in the
 * kernel heap, tell what is taken, and vfree what is a block.
 *
 *     guard | block, 3 pages | guard | block, 1 page | guard | ...      next
 */
#include "kernel/mm/vmalloc.h"

#include "kernel/lock.h"
#include "kernel/memlayout.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/panic.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/string.h"
#include "lib/tree.h"

#define GUARD        PAGE_SIZE
#define WINDOW_START MEMLAYOUT_VMALLOC_START
#define WINDOW_END   MEMLAYOUT_VMALLOC_END

struct vmalloc_block {
    struct tree_node node; /* key: its first byte */
    size_t bytes;          /* whole pages, without the guards */
    bool is_freed;         /* its memory is on its way back; nobody's block any more */
};

/* stats.blocks == |blocks|, stats.bytes == sum of their bytes */
static struct lock lock; /* of these three */
static struct tree_node *blocks;
static uintptr_t next; /* blocks go here and above as long as there is room: freed ones rest */
static struct vmalloc_stats stats;
static struct aspace *space;

void vmalloc_init(struct aspace *kernel_space)
{
    lock_init(&lock, "vmalloc", LOCK_VMALLOC);
    space = kernel_space;
    blocks = NULL;
    next = WINDOW_START + GUARD;
    stats = (struct vmalloc_stats){0};
    bool were_on = lock_take_irq(&aspace_lock);
    int error = aspace_map(space, WINDOW_START, WINDOW_END,
                           PAGE_READ | PAGE_WRITE | PAGE_GLOBAL | ASPACE_SPARSE);
    lock_release_irq(&aspace_lock, were_on);
    if (error != 0)
        panic("no memory to describe the window of vmalloc");
}

/* Memory behind a block */

static bool back(uintptr_t first, size_t bytes)
{
    bool were_on = lock_take_irq(&aspace_lock);
    int error = aspace_back(space, first, first + bytes);
    lock_release_irq(&aspace_lock, were_on);
    return error == 0;
}

static void drop(uintptr_t first, size_t bytes)
{
    bool were_on = lock_take_irq(&aspace_lock);
    aspace_drop(space, first, first + bytes);
    lock_release_irq(&aspace_lock, were_on);
}

/* Records; under the lock */

static struct vmalloc_block *block_of(struct tree_node *node)
{
    return container_of(node, struct vmalloc_block, node);
}

/* The lowest address at or above `from` with `room` bytes that no block and no guard behind one
 * takes; or 0. */
static uintptr_t find_room(uintptr_t from, size_t room)
{
    while (room <= WINDOW_END - from) {
        struct tree_node *node = tree_at_or_below(blocks, from + room - 1);
        uintptr_t end = node != NULL ? node->key + block_of(node)->bytes + GUARD : 0;
        if (end <= from)
            return from;
        from = end;
    }
    return 0;
}

/* Gives the block addresses, with a guard behind them. False if there are none. */
static bool insert(struct vmalloc_block *block)
{
    size_t room = block->bytes + GUARD;
    uintptr_t first = find_room(next, room);
    if (first == 0)
        first = find_room(WINDOW_START + GUARD, room);
    if (first == 0)
        return false;
    next = first + room;
    block->node.key = first;
    tree_insert(&blocks, &block->node);
    stats.blocks++;
    stats.bytes += block->bytes;
    return true;
}

static void discard(struct vmalloc_block *block)
{
    lock_take(&lock);
    tree_remove(&blocks, &block->node);
    stats.blocks--;
    stats.bytes -= block->bytes;
    lock_release(&lock);
    kfree(block);
}

/* The live block that starts at `pointer`; panics if there is none. */
static struct vmalloc_block *find(const void *pointer)
{
    struct tree_node *node = tree_at_or_below(blocks, (uintptr_t)pointer);
    if (node == NULL || node->key != (uintptr_t)pointer || block_of(node)->is_freed)
        panic("%p is not the start of a live block of vmalloc", pointer);
    return block_of(node);
}

/* The interface */

/* A record with addresses and no memory yet, or NULL. */
static struct vmalloc_block *reserve(size_t bytes)
{
    struct vmalloc_block *block = kmalloc(sizeof *block, 0);
    if (block == NULL)
        return NULL;
    *block = (struct vmalloc_block){.bytes = bytes};
    lock_take(&lock);
    bool done = insert(block);
    lock_release(&lock);
    if (done)
        return block;
    kfree(block);
    return NULL;
}

void *vmalloc(size_t size)
{
    size_t bytes = bits_round_up(size, PAGE_SIZE);
    if (size == 0 || bytes < size || bytes > WINDOW_END - WINDOW_START)
        return NULL;
    struct vmalloc_block *block = reserve(bytes);
    if (block == NULL)
        return NULL;
    uintptr_t first = block->node.key;
    if (back(first, bytes))
        return (void *)first;
    discard(block);
    return NULL;
}

void *vzalloc(size_t size)
{
    void *block = vmalloc(size);
    if (block != NULL)
        memset(block, 0, bits_round_up(size, PAGE_SIZE));
    return block;
}

/* Its addresses stay taken until every CPU has forgotten them. */
void vfree(void *pointer)
{
    if (pointer == NULL)
        return;
    lock_take(&lock);
    struct vmalloc_block *block = find(pointer);
    block->is_freed = true;
    lock_release(&lock);
    drop(block->node.key, block->bytes);
    discard(block);
}

size_t vmalloc_size(const void *block)
{
    lock_take(&lock);
    size_t bytes = find(block)->bytes;
    lock_release(&lock);
    return bytes;
}

struct vmalloc_stats vmalloc_stats(void)
{
    lock_take(&lock);
    struct vmalloc_stats now = stats;
    lock_release(&lock);
    return now;
}

static void check_block(struct check *check, const struct vmalloc_block *block)
{
    uintptr_t start = block->node.key, end = start + block->bytes;
    check_expect(
        check, paging_count(space->paging, start, block->bytes) == block->bytes / PAGE_SIZE,
        "the block of vmalloc at 0x%lx does not have all of its %zu bytes", start, block->bytes);
    check_expect(check,
                 paging_count(space->paging, start - GUARD, GUARD) == 0 &&
                     paging_count(space->paging, end, GUARD) == 0,
                 "the block of vmalloc at 0x%lx does not lie between guards", start);
}

size_t vmalloc_check(check_report *report)
{
    struct check check = {.report = report};
    struct vmalloc_stats sum = {0};
    bool is_sound = tree_is_sound(blocks);
    check_expect(&check, is_sound, "the tree of vmalloc's blocks is out of order or of balance");
    for (struct tree_node *node = is_sound ? tree_at_or_above(blocks, 0) : NULL; node != NULL;
         node = tree_at_or_above(blocks, node->key + 1)) {
        const struct vmalloc_block *block = block_of(node);
        check_block(&check, block);
        sum.blocks++;
        sum.bytes += block->bytes;
    }
    check_expect(&check, sum.blocks == stats.blocks && sum.bytes == stats.bytes,
                 "vmalloc counts %zu blocks of %zu bytes, but there are %zu of %zu", stats.blocks,
                 stats.bytes, sum.blocks, sum.bytes);
    return check.violations;
}

/* SPDX-License-Identifier: MIT */
/*
 * vmalloc: takes address space without access from kmmap, and gives access to all of it but the
 * first and the last page. Records of the blocks, in the kernel heap, tell vfree what is one.
 */
#include "kernel/mm/vmalloc.h"

#include "kernel/lock.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mmap.h"
#include "kernel/panic.h"
#include "lib/addr.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "lib/list.h"
#include "lib/tree.h"

#define GUARD PAGE_SIZE

struct block {
    struct tree_node node; /* key: its first byte */
    size_t bytes;          /* whole pages, without the guards */
};

/* stats.blocks == |blocks|, stats.bytes == sum of their bytes */
static struct lock lock; /* of these two */
static struct tree_node *blocks;
static struct vmalloc_stats stats;
static const struct aspace *space;

void vmalloc_init(const struct aspace *kernel_space)
{
    lock_init(&lock, "vmalloc", LOCK_VMALLOC);
    space = kernel_space;
    blocks = NULL;
    stats = (struct vmalloc_stats){0};
}

/* Maps `bytes` between two guards. Returns the first of them, or 0. */
static uintptr_t map_guarded(size_t bytes)
{
    size_t room = bytes + 2 * GUARD;
    intptr_t start = kmmap(0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    if (is_error(start))
        return 0;
    uintptr_t first = (uintptr_t)start + GUARD;
    if (kmprotect(first, bytes, PROT_READ | PROT_WRITE) == 0)
        return first;
    /* The room may have become one region with guards on both sides. If there is no memory to cut
     * it out again, address space is lost, but no memory. */
    kmunmap((uintptr_t)start, room);
    return 0;
}

/* Cannot fail: the block's pages are a region of their own, and the guards lie at the ends of
 * theirs, so nothing is cut in two. */
static void unmap_guarded(uintptr_t first, size_t bytes)
{
    int status = kmunmap(first - GUARD, bytes + 2 * GUARD);
    if (status != 0)
        panic("vfree: kmunmap(0x%lx, %zu) returned %d", first - GUARD, bytes + 2 * GUARD, status);
}

void *vmalloc(size_t size)
{
    size_t bytes = bits_round_up(size, PAGE_SIZE);
    if (size == 0 || bytes < size || bytes > SIZE_MAX - 2 * GUARD)
        return NULL;
    struct block *block = kmalloc(sizeof *block, 0);
    uintptr_t first = block != NULL ? map_guarded(bytes) : 0;
    if (first == 0) {
        kfree(block);
        return NULL;
    }
    *block = (struct block){{.key = first}, bytes};
    lock_take(&lock);
    tree_insert(&blocks, &block->node);
    stats.blocks++;
    stats.bytes += bytes;
    lock_release(&lock);
    return (void *)first;
}

/* The live block that starts at `pointer`; panics if there is none. Under the lock. */
static struct block *find(const void *pointer)
{
    struct tree_node *node = tree_at_or_below(blocks, (uintptr_t)pointer);
    if (node == NULL || node->key != (uintptr_t)pointer)
        panic("%p is not the start of a live block of vmalloc", pointer);
    return container_of(node, struct block, node);
}

void vfree(void *pointer)
{
    if (pointer == NULL)
        return;
    lock_take(&lock);
    struct block *block = find(pointer);
    tree_remove(&blocks, &block->node);
    stats.blocks--;
    stats.bytes -= block->bytes;
    lock_release(&lock);
    unmap_guarded(block->node.key, block->bytes);
    kfree(block);
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

static void check_block(struct check *check, const struct block *block)
{
    uintptr_t start = block->node.key, end = start + block->bytes;
    const struct region *region = aspace_find(space, start);
    const struct region *before = aspace_find(space, start - GUARD);
    const struct region *behind = aspace_find(space, end);
    check_expect(check, region != NULL && region_start(region) == start && region->end == end,
                 "the block of vmalloc at 0x%lx is not one region of %zu bytes", start,
                 block->bytes);
    check_expect(check,
                 before != NULL && before->flags == 0 && behind != NULL && behind->flags == 0,
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
        const struct block *block = container_of(node, struct block, node);
        check_block(&check, block);
        sum.blocks++;
        sum.bytes += block->bytes;
    }
    check_expect(&check, sum.blocks == stats.blocks && sum.bytes == stats.bytes,
                 "vmalloc counts %zu blocks of %zu bytes, but there are %zu of %zu", stats.blocks,
                 stats.bytes, sum.blocks, sum.bytes);
    return check.violations;
}

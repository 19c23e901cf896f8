/* SPDX-License-Identifier: MIT */
/* heap.h over the functions of heap_list.c or heap_bump.c: blocks, sizes, misuse. */
#include "lib/alloc/simple/heap_simple.h"

#include "lib/alloc/heap_class.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "lib/string.h"

#define SIZE_LIMIT ((size_t)1 << 47)
#define SENTENCE   200

/* What every address leads to: nobody's. */
static struct heap_slice no_slice;

struct heap heap_none = {
    .list = {[0 ... HEAP_CLASSES - 1] = (uintptr_t)&heap_none.nil},
    .table = &no_slice,
};

bool heap_world_init(struct heap_world *world, const struct heap_setup *setup)
{
    *world = (struct heap_world){
        .arena = setup->arena, .end = setup->arena, .cap = setup->cap == 0 ? SIZE_MAX : setup->cap};
    return true;
}

void heap_init(struct heap *heap, struct heap_world *world)
{
    *heap = (struct heap){.table = &no_slice, .world = world};
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        heap->list[i] = (uintptr_t)&heap->nil;
}

static struct heap *attached(struct heap *heap)
{
    return heap->world == NULL ? heap_port_attach() : heap;
}

/* --- allocation --- */

/* More memory from the port, at least `bytes`. No lock is held. */
static bool grow(const struct heap *heap, size_t bytes)
{
    struct heap_world *world = heap->world;
    bytes = bits_round_up(bytes, HEAP_SLICE_SIZE);
    if (heap->is_interrupt || bytes > world->cap - bits_min(world->cap, heap_taken(world)))
        return false;
    uintptr_t start = heap_port_extend(world, bytes);
    if (start == 0 || (HEAP_COMMITS && !heap_port_commit(world, start, bytes)))
        return false;
    heap_port_lock(world);
    heap_simple_add(world, start, bytes);
    world->end = bits_max(world->end, start + bytes);
    world->taken += bytes;
    world->taken_max = world->taken;
    heap_port_unlock(world);
    return true;
}

static uintptr_t take(struct heap_world *world, size_t bytes, size_t align)
{
    heap_port_lock(world);
    struct heap_chunk *chunk = heap_simple_take(world, bytes, align);
    if (chunk != NULL) {
        chunk->align = bits_lowest(align);
        chunk->next = ~(uintptr_t)chunk;
        world->huge_count++;
        world->huge_bytes += chunk->bytes;
    }
    heap_port_unlock(world);
    return chunk != NULL ? heap_chunk_block(chunk) : 0;
}

void *heap_alloc_aligned(struct heap *heap, size_t size, size_t align)
{
    heap = attached(heap);
    if (!bits_is_power_of_two(align))
        heap_port_panic(__builtin_return_address(0), NULL, "%zu is not an alignment", align);
    if (heap == NULL || size > SIZE_LIMIT || align > SIZE_LIMIT)
        return NULL;
    align = bits_max(align, HEAP_MIN_ALIGN);
    size_t bytes = HEAP_CHUNK_MIN + bits_round_up(bits_max(size, 1), HEAP_MIN_ALIGN);
    uintptr_t block = take(heap->world, bytes, align);
    if (block == 0 && grow(heap, bytes + align))
        block = take(heap->world, bytes, align);
    return (void *)block;
}

/* Powers of two are aligned to themselves. */
void *heap_alloc_slow(size_t size, struct heap *heap)
{
    bool is_natural = bits_is_power_of_two(size) && size <= HEAP_SMALL_MAX;
    return heap_alloc_aligned(heap, size, is_natural ? size : 1);
}

void *heap_alloc_zeroed(struct heap *heap, size_t size)
{
    void *block = heap_alloc_slow(size, heap);
    if (block != NULL)
        memset(block, 0, ((struct heap_chunk *)block - 1)->bytes - HEAP_CHUNK_MIN);
    return block;
}

/* --- blocks that come back --- */

static struct heap_chunk *chunk_of(const struct heap_world *world, const void *block)
{
    uintptr_t address = (uintptr_t)block;
    if (address - world->arena >= world->end - world->arena || address == world->arena ||
        !bits_is_aligned(address, HEAP_MIN_ALIGN))
        return NULL;
    return (struct heap_chunk *)address - 1;
}

bool heap_owns(struct heap_world *world, const void *block)
{
    const struct heap_chunk *chunk = chunk_of(world, block);
    return chunk != NULL && chunk->next == ~(uintptr_t)chunk;
}

static struct heap_chunk *live_chunk(struct heap_world *world, const void *block,
                                     const void *caller)
{
    char text[SENTENCE];
    if (heap_owns(world, block))
        return chunk_of(world, block);
    heap_explain(world, block, text, sizeof text);
    heap_port_panic(caller, block, "%s", text);
}

size_t heap_size(struct heap_world *world, const void *block)
{
    return live_chunk(world, block, __builtin_return_address(0))->bytes - HEAP_CHUNK_MIN;
}

static void give(struct heap *heap, void *block, const void *caller)
{
    heap = attached(heap);
    if (block == NULL || heap == NULL)
        return;
    struct heap_world *world = heap->world;
    struct heap_chunk *chunk = live_chunk(world, block, caller);
    heap_port_lock(world);
    world->huge_count--;
    world->huge_bytes -= chunk->bytes;
    heap_simple_put(world, chunk);
    heap_port_unlock(world);
}

void heap_free_slow(void *block, struct heap *heap)
{
    give(heap, block, __builtin_return_address(0));
}

void heap_free_foreign(void *block, struct heap *heap, struct heap_slice *slab)
{
    (void)slab;
    give(heap, block, __builtin_return_address(0));
}

void heap_free_sized(struct heap *heap, void *block, size_t size)
{
    (void)size;
    give(heap, block, __builtin_return_address(0));
}

void *heap_realloc(struct heap *heap, void *block, size_t size)
{
    if (block == NULL)
        return heap_alloc_slow(size, heap);
    heap = attached(heap);
    if (heap == NULL)
        return NULL;
    const struct heap_chunk *chunk = live_chunk(heap->world, block, __builtin_return_address(0));
    size_t had = chunk->bytes - HEAP_CHUNK_MIN;
    if (size <= had)
        return block;
    void *to = heap_alloc_aligned(heap, size, (size_t)1 << chunk->align);
    if (to == NULL)
        return NULL;
    memcpy(to, block, had);
    give(heap, block, NULL);
    return to;
}

/* --- what there is nothing to do for: memory stays, all heaps are one --- */

void heap_emptied(struct heap_slice *slab, struct heap *heap)
{
    (void)slab, (void)heap;
}

void heap_collect(struct heap *heap)
{
    (void)heap;
}

void heap_tick(struct heap *heap, uint64_t now)
{
    (void)heap, (void)now;
}

size_t heap_trim(struct heap *heap)
{
    (void)heap;
    return 0;
}

void heap_park(struct heap *heap)
{
    (void)heap;
}

struct heap *heap_adopt(struct heap_world *world)
{
    (void)world;
    return NULL;
}

/* Interrupt contexts take what is free, too. */
bool heap_reserve(struct heap *heap, size_t slices)
{
    heap->is_interrupt = true;
    heap->stashed += (uint32_t)slices;
    return true;
}

bool heap_unreserve(struct heap *heap, size_t keep)
{
    heap->stashed = (uint32_t)bits_min(heap->stashed, keep);
    return false;
}

void heap_set_cap(struct heap_world *world, size_t cap)
{
    world->cap = cap == 0 ? SIZE_MAX : cap;
}

void heap_fork_prepare(struct heap_world *world)
{
    heap_port_lock(world);
}

void heap_fork_parent(struct heap_world *world)
{
    heap_port_unlock(world);
}

void heap_fork_child(struct heap_world *world)
{
    heap_port_reset_lock(world);
}

/* --- looking at it --- */

uint64_t heap_taken(const struct heap_world *world)
{
    return __atomic_load_n(&world->taken, __ATOMIC_RELAXED);
}

void heap_stats(struct heap_world *world, struct heap_stats *stats)
{
    *stats = (struct heap_stats){0};
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        stats->classes[i].size = heap_class_size(i);
    heap_port_lock(world);
    stats->huge = world->huge_count;
    stats->huge_bytes = world->huge_bytes;
    stats->arena_bytes = world->end - world->arena;
    stats->taken = world->taken;
    stats->taken_max = world->taken_max;
    stats->free_bytes = world->taken - world->huge_bytes;
    stats->dirty_bytes = stats->free_bytes;
    heap_port_unlock(world);
}

size_t heap_explain(struct heap_world *world, const void *address, char *text, size_t room)
{
    const struct heap_chunk *chunk = chunk_of(world, address);
    if (chunk == NULL)
        return (size_t)format_text(text, room, "%p is not a heap pointer", address);
    if (heap_owns(world, address))
        return (size_t)format_text(text, room, "%p is a live block of %zu bytes", address,
                                   (size_t)chunk->bytes - HEAP_CHUNK_MIN);
    return (size_t)format_text(text, room, "%p is already free, or points into a block", address);
}

size_t heap_check(struct heap_world *world, check_report *report)
{
    struct check check = {.report = report};
    heap_port_lock(world);
    heap_simple_check(world, &check);
    heap_port_unlock(world);
    return check.violations;
}

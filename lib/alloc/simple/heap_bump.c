/* SPDX-License-Identifier: MIT */
/*
 * A heap that only ever goes up: the next block lies behind the last one. Only the last one comes
 * back when it is freed. Nothing is faster, for whoever ends before memory does.
 */
#include "lib/alloc/simple/heap_simple.h"
#include "lib/bits.h"

struct heap_chunk *heap_simple_take(struct heap_world *world, size_t bytes, size_t align)
{
    uintptr_t block = bits_round_up(world->spare + HEAP_CHUNK_MIN, align);
    uintptr_t end = block - HEAP_CHUNK_MIN + bytes;
    if (end - world->spare > world->spare_bytes)
        return NULL;
    world->spare_bytes -= end - world->spare;
    world->spare = end;
    struct heap_chunk *chunk = (struct heap_chunk *)block - 1;
    chunk->bytes = bytes;
    return chunk;
}

void heap_simple_put(struct heap_world *world, struct heap_chunk *chunk)
{
    chunk->next = 0;
    if ((uintptr_t)chunk + chunk->bytes != world->spare)
        return;
    world->spare = (uintptr_t)chunk;
    world->spare_bytes += chunk->bytes;
}

/* What is left of an earlier piece is lost unless this one follows it. */
void heap_simple_add(struct heap_world *world, uintptr_t start, size_t bytes)
{
    if (world->spare + world->spare_bytes != start) {
        world->spare = start;
        world->spare_bytes = 0;
    }
    world->spare_bytes += bytes;
}

void heap_simple_check(const struct heap_world *world, struct check *check)
{
    check_expect(check, world->spare + world->spare_bytes <= world->end,
                 "the bump allocator goes on to 0x%lx, beyond the arena",
                 world->spare + world->spare_bytes);
}

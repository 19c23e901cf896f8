/* SPDX-License-Identifier: MIT */
/*
 * A heap from a free list in order of addresses, first fit (Kernighan and Ritchie, The C
 * programming language, 8.7). Free neighbours always merge. Every allocation and every free walks
 * the list, which grows with the holes.
 */
#include "lib/alloc/simple/heap_simple.h"
#include "lib/bits.h"

static struct heap_chunk *chunk_at(uintptr_t address)
{
    return (struct heap_chunk *)address;
}

/* Puts a free chunk where `link` points. */
static void insert(uintptr_t *link, uintptr_t start, size_t bytes)
{
    *chunk_at(start) = (struct heap_chunk){.bytes = bytes, .next = *link};
    *link = start;
}

/* Cuts `gap` bytes off the front of the free chunk and what is more than `bytes` off its end; both
 * stay free. */
static struct heap_chunk *cut(uintptr_t *link, size_t gap, size_t bytes)
{
    struct heap_chunk *chunk = chunk_at(*link);
    uintptr_t start = *link + gap;
    size_t rest = chunk->bytes - gap - bytes;
    if (gap > 0) {
        chunk->bytes = gap;
        link = &chunk->next;
    } else {
        *link = chunk->next;
    }
    if (rest > 0)
        insert(link, start + bytes, rest);
    chunk_at(start)->bytes = bytes;
    return chunk_at(start);
}

struct heap_chunk *heap_simple_take(struct heap_world *world, size_t bytes, size_t align)
{
    for (uintptr_t *link = &world->spare; *link != 0; link = &chunk_at(*link)->next) {
        size_t gap = bits_round_up(*link + HEAP_CHUNK_MIN, align) - HEAP_CHUNK_MIN - *link;
        if (gap + bytes <= chunk_at(*link)->bytes)
            return cut(link, gap, bytes);
    }
    return NULL;
}

static void merge_with_next(uintptr_t start)
{
    struct heap_chunk *chunk = chunk_at(start);
    if (start + chunk->bytes != chunk->next)
        return;
    chunk->bytes += chunk_at(chunk->next)->bytes;
    chunk->next = chunk_at(chunk->next)->next;
}

void heap_simple_add(struct heap_world *world, uintptr_t start, size_t bytes)
{
    uintptr_t *link = &world->spare, before = 0;
    while (*link != 0 && *link < start) {
        before = *link;
        link = &chunk_at(*link)->next;
    }
    insert(link, start, bytes);
    merge_with_next(start);
    if (before != 0)
        merge_with_next(before);
}

void heap_simple_put(struct heap_world *world, struct heap_chunk *chunk)
{
    heap_simple_add(world, (uintptr_t)chunk, chunk->bytes);
}

void heap_simple_check(const struct heap_world *world, struct check *check)
{
    size_t free = 0;
    for (uintptr_t at = world->spare; at != 0; at = chunk_at(at)->next) {
        const struct heap_chunk *chunk = chunk_at(at);
        bool is_apart = chunk->next == 0 || chunk->next > at + chunk->bytes;
        check_expect(check, is_apart, "the free chunk at 0x%lx is not apart from the next at 0x%lx",
                     at, chunk->next);
        if (!is_apart)
            break;
        free += chunk->bytes;
    }
    check_expect(check, free + world->huge_bytes == world->taken,
                 "%zu bytes are free and %lu live, of %zu", free, world->huge_bytes, world->taken);
}

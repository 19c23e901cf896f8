/* SPDX-License-Identifier: MIT */
/* Bitmaps with summaries; frame_map.h tells what a summary promises. */
#include "lib/alloc/frame_map.h"

#include "lib/alloc/frame_word.h"
#include "lib/bits.h"

/* Words of the level below which there are `bits` bits. */
static uint64_t words_of(uint64_t bits)
{
    return (bits + 63) / 64;
}

size_t map_size(uint64_t bits)
{
    size_t words = 0;
    for (unsigned level = 0; level < MAP_LEVELS; level++) {
        bits = words_of(bits);
        words += bits;
    }
    return words * sizeof(uint64_t);
}

void map_init(struct frame_map *map, uint64_t bits, void *memory)
{
    uint64_t *next = memory;
    for (unsigned level = 0; level < MAP_LEVELS; level++) {
        bits = words_of(bits);
        map->level[level] = next;
        next += bits;
    }
    for (uint64_t *word = memory; word < next; word++)
        *word = 0;
}

/* Sets the bit of `level` for a word below it, unless it is set. */
static void hint(struct frame_map *map, unsigned level, uint64_t bit)
{
    uint64_t one = (uint64_t)1 << (bit % 64);
    if ((atomic_recheck(&map->level[level][bit / 64]) & one) == 0)
        atomic_or(&map->level[level][bit / 64], one);
}

static void announce(struct frame_map *map, unsigned level, uint64_t bit)
{
    for (; level < MAP_LEVELS; level++, bit /= 64)
        hint(map, level, bit);
}

void map_announce(struct frame_map *map, uint64_t word)
{
    announce(map, 1, word);
}

/* Takes a hint back, unless it has become true again. */
static void withdraw(struct frame_map *map, unsigned level, uint64_t bit)
{
    atomic_and(&map->level[level][bit / 64], ~((uint64_t)1 << (bit % 64)));
    if (atomic_recheck(&map->level[level - 1][bit]) != 0)
        announce(map, level, bit);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are levels. */
static int64_t highest(struct frame_map *map, unsigned level, uint64_t limit)
{
    while (limit > 0) {
        uint64_t word = (limit - 1) / 64;
        uint64_t bits =
            atomic_load(&map->level[level][word]) & word_mask(0, word_clip(limit, word * 64, 64));
        if (bits != 0)
            return (int64_t)(word * 64 + bits_highest(bits));
        limit = word * 64;
        if (level + 1 == MAP_LEVELS)
            continue;
        int64_t next = highest(map, level + 1, word);
        if (next < 0)
            return -1;
        limit = ((uint64_t)next + 1) * 64;
        if (atomic_load(&map->level[level][next]) == 0)
            withdraw(map, level + 1, (uint64_t)next);
    }
    return -1;
}

int64_t map_highest(struct frame_map *map, uint64_t limit)
{
    return highest(map, 0, limit);
}

void map_set_range(struct frame_map *map, uint64_t start, uint64_t end)
{
    for (uint64_t word = start / 64; word * 64 < end; word++) {
        uint64_t base = word * 64;
        atomic_or(&map->level[0][word],
                  word_mask(word_clip(start, base, 64), word_clip(end, base, 64)));
        map_announce(map, word);
    }
}

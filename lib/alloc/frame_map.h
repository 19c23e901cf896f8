/* SPDX-License-Identifier: MIT */
/*
 * A map: a bitmap of any length with levels of summary above it, so that the highest set bit is
 * found in a few loads. Level 0 is what the map says. A bit of level n + 1 is a hint: the word of
 * level n below it may have a bit set.
 *
 * A hint is set after what it tells of, and taken back only by a search that found nothing below
 * it, which then looks again. So a set bit has its hints, or somebody is about to set them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/atomic.h"

#define MAP_LEVELS 4 /* the highest is one word, for up to 2^24 bits */

struct frame_map {
    uint64_t *level[MAP_LEVELS];
};

/* Bytes of a map of `bits` bits. */
size_t map_size(uint64_t bits);

/* Lays the map into `memory`, 8-byte aligned; no bit is set. */
void map_init(struct frame_map *map, uint64_t bits, void *memory);

/* The highest set bit below `limit`, or -1. */
int64_t map_highest(struct frame_map *map, uint64_t limit);

/* Sets the bits [start, end). */
void map_set_range(struct frame_map *map, uint64_t start, uint64_t end);

/* Sets the hints above word `word` of level 0. */
void map_announce(struct frame_map *map, uint64_t word);

/* True if no bit is set; false if one may be. */
static inline bool map_is_empty(const struct frame_map *map)
{
    return atomic_load(map->level[MAP_LEVELS - 1]) == 0;
}

static inline bool map_test(const struct frame_map *map, uint64_t bit)
{
    return ((atomic_recheck(&map->level[0][bit / 64]) >> (bit % 64)) & 1) != 0;
}

/* Sets the bit, unless it is set. */
static inline void map_set(struct frame_map *map, uint64_t bit)
{
    if (map_test(map, bit))
        return;
    atomic_or(&map->level[0][bit / 64], (uint64_t)1 << (bit % 64));
    map_announce(map, bit / 64);
}

/* Clears the bit; returns what it was. */
static inline bool map_clear(struct frame_map *map, uint64_t bit)
{
    uint64_t one = (uint64_t)1 << (bit % 64);
    return (atomic_and(&map->level[0][bit / 64], ~one) & one) != 0;
}

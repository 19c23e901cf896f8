/* SPDX-License-Identifier: MIT */
/*
 * The lists of the frame allocator: sets of blocks and of GiBs, each a tree of lines like the
 * memory itself, so that the highest member is found in a few loads.
 *
 * A bit above level 0 is a hint. It is set after what it tells of, and taken back only by a search
 * that found nothing below it, which then looks again. So a member has its hints, or somebody is
 * about to set them.
 */
#include "lib/alloc/frame_tree.h"

#define LEVEL_TOP 2

static uint64_t *line_of(const struct frames *frames, unsigned list, unsigned level, uint64_t index)
{
    if (level == 0)
        return span_of(frames, index * SPAN_BLOCKS)->list[list];
    uint64_t lines = (frames->gibs + LINE_BITS - 1) / LINE_BITS;
    return frames->lists + (list * (lines + 1) + (level == LEVEL_TOP ? lines : index)) * LINE_WORDS;
}

static uint64_t *word_of(const struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    return &line_of(frames, list, level, bit / LINE_BITS)[bit % LINE_BITS / 64];
}

bool list_has(const struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    return (atomic_recheck(word_of(frames, list, level, bit)) >> (bit % 64)) & 1;
}

void list_set(struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    for (; level <= LEVEL_TOP; level++, bit /= LINE_BITS)
        if (!list_has(frames, list, level, bit))
            atomic_or(word_of(frames, list, level, bit), (uint64_t)1 << (bit % 64));
}

void list_set_gibs(struct frames *frames, uint64_t first, uint64_t end)
{
    for (uint64_t at = first, stop; at < end; at = stop) {
        stop = bits_min(bits_round_up(at + 1, 64), end);
        atomic_or(word_of(frames, LIST_GIBS, 1, at),
                  word_mask(at % 64, (unsigned)(at % 64 + stop - at)));
        list_set(frames, LIST_GIBS, 2, at / LINE_BITS);
    }
}

bool list_clear(struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    uint64_t one = (uint64_t)1 << (bit % 64);
    return (atomic_and(word_of(frames, list, level, bit), ~one) & one) != 0;
}

/* The line may be clear: then its hint is taken back, unless it has become true again. */
static void withdraw(struct frames *frames, unsigned list, unsigned level, uint64_t index)
{
    const uint64_t *line = line_of(frames, list, level, index);
    if (!line_is(line, 0))
        return;
    list_clear(frames, list, level + 1, index);
    if (!line_is(line, 0))
        list_set(frames, list, level + 1, index);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are levels. */
uint64_t list_highest(struct frames *frames, unsigned list, unsigned level, uint64_t limit)
{
    while (limit > 0) {
        uint64_t index = (limit - 1) / LINE_BITS, first = index * LINE_BITS;
        int bit = -1;
        if (level > 0 || span_is_open(frames, index))
            bit = line_highest(line_of(frames, list, level, index), 0, (unsigned)(limit - first));
        if (bit >= 0)
            return first + (unsigned)bit;
        uint64_t next =
            level == LEVEL_TOP ? NOT_FOUND : list_highest(frames, list, level + 1, index);
        if (next == NOT_FOUND)
            return NOT_FOUND;
        withdraw(frames, list, level, next);
        limit = (next + 1) * LINE_BITS;
    }
    return NOT_FOUND;
}

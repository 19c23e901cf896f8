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
        return frames->span[index]->list[list];
    uint64_t line = level == LEVEL_TOP ? frames->lines - 1 : index;
    return frames->lists + (list * frames->lines + line) * LINE_WORDS;
}

uint64_t *list_word(const struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    return &line_of(frames, list, level, bit / LINE_BITS)[bit % LINE_BITS / 64];
}

/* True if the bit was clear. */
static bool set(const struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    uint64_t one = (uint64_t)1 << (bit % 64);
    return !list_has(frames, list, level, bit) &&
           (atomic_or(list_word(frames, list, level, bit), one) & one) == 0;
}

bool list_put(struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    bool put = set(frames, list, level, bit);
    while (level++ < LEVEL_TOP)
        set(frames, list, level, bit /= LINE_BITS);
    return put;
}

bool list_take(struct frames *frames, unsigned list, unsigned level, uint64_t bit)
{
    uint64_t one = (uint64_t)1 << (bit % 64);
    return (atomic_and(list_word(frames, list, level, bit), ~one) & one) != 0;
}

/* The line may be clear: then its hint is taken back, unless it has become true again. */
static void withdraw(struct frames *frames, unsigned list, unsigned level, uint64_t index)
{
    const uint64_t *line = line_of(frames, list, level, index);
    if (!line_is(line, 0))
        return;
    list_take(frames, list, level + 1, index);
    if (!line_is(line, 0))
        list_put(frames, list, level + 1, index);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are levels. */
uint64_t list_highest(struct frames *frames, unsigned list, unsigned level, uint64_t limit)
{
    while (limit > 0) {
        uint64_t index = (limit - 1) / LINE_BITS, first = index * LINE_BITS;
        if (level > 0 || open_span(frames, index) != NULL) {
            const uint64_t *line = line_of(frames, list, level, index);
            int bit = line_highest(line, (unsigned)(limit - first));
            if (bit >= 0)
                return first + (unsigned)bit;
        }
        if (level == LEVEL_TOP)
            break;
        uint64_t next = list_highest(frames, list, level + 1, index);
        if (next == NOT_FOUND)
            return NOT_FOUND;
        withdraw(frames, list, level, next);
        limit = (next + 1) * LINE_BITS;
    }
    return NOT_FOUND;
}

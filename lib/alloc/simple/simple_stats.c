/* SPDX-License-Identifier: MIT */
/* Statistics and the checker of the simple frame allocators. */
#include "lib/alloc/frame_stats.h"
#include "lib/alloc/simple/simple.h"
#include "lib/bits.h"

#define BLOCK_SHIFT 9 /* the blocks that are shown: 2 MiB */

void frame_count_blocks(const struct frames *frames, uint64_t count[FRAME_ORDERS])
{
    const struct simple *simple = simple_of(frames);
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        count[order] = 0;
    for (uint32_t index = 0; index < simple->count; index++) {
        uint32_t end = simple_end_of_run(simple, index);
        while (index < end) {
            unsigned order = simple_largest(index, end);
            count[order]++;
            index += simple_size(order);
        }
    }
}

uint64_t frame_end(const struct frames *frames)
{
    return simple_of(frames)->first + simple_of(frames)->count;
}

static void add_block(const struct simple *simple, uint32_t index, struct frame_fullness *fullness)
{
    uint64_t end = bits_min(index + simple_size(BLOCK_SHIFT), simple->count), free = 0;
    uint32_t start;
    if (simple_enclosing(simple, index, &start) > BLOCK_SHIFT)
        free = simple_size(BLOCK_SHIFT);
    for (; index < end; index++) {
        uint8_t state = simple->state[index];
        fullness->managed += state != SIMPLE_OUTSIDE;
        if (free < simple_size(BLOCK_SHIFT) && state >= SIMPLE_FREE)
            free += simple_size(state - SIMPLE_FREE);
    }
    fullness->free += free;
    fullness->whole += free == simple_size(BLOCK_SHIFT) ? free : 0;
}

struct frame_fullness frame_fullness(const struct frames *frames, uint64_t start, uint64_t end)
{
    const struct simple *simple = simple_of(frames);
    struct frame_fullness fullness = {0};
    end = bits_min(end, frame_end(frames));
    for (uint64_t at = bits_max(start, simple->first); at < end; at += simple_size(BLOCK_SHIFT))
        add_block(simple, (uint32_t)(at - simple->first), &fullness);
    return fullness;
}

bool frame_hand(const struct frames *frames, unsigned cpu, struct frame_hand *hand)
{
    (void)frames, (void)cpu, (void)hand;
    return false;
}

size_t frame_nodes(const struct frames *frames, const struct frame_node **nodes)
{
    *nodes = frames->node;
    return frames->nodes;
}

/* The checker */

static uint64_t check_list(struct check *check, const struct simple *simple, unsigned order)
{
    uint64_t length = 0;
    uint32_t prev = SIMPLE_NONE;
    for (uint32_t at = simple->head[order]; at != SIMPLE_NONE && length <= simple->count;
         at = simple->link[at].next) {
        check_expect(check, simple->state[at] == SIMPLE_FREE + order,
                     "frame 0x%lx is on list %u but is not the start of such a free block",
                     simple->first + at, order);
        check_expect(check, simple->link[at].prev == prev,
                     "frame 0x%lx is linked from one side only", simple->first + at);
        check_expect(check, simple_may_stay(simple, at, order),
                     "the free block at 0x%lx, order %u, should have been merged, or cut up",
                     simple->first + at, order);
        prev = at;
        length++;
    }
    return length;
}

static void check_inside(struct check *check, const struct simple *simple, uint32_t index,
                         unsigned order)
{
    for (uint32_t at = index + 1; at < index + simple_size(order); at++)
        check_expect(check, simple->state[at] == SIMPLE_PLAIN,
                     "frame 0x%lx lies in the free block at 0x%lx and is in state %u",
                     simple->first + at, simple->first + index, simple->state[at]);
}

size_t frame_check(const struct frames *frames, check_report *report)
{
    struct check check = {.report = report};
    const struct simple *simple = simple_of(frames);
    uint64_t free = 0, found[FRAME_ORDERS] = {0};
    for (uint32_t index = 0; index < simple->count; index++) {
        if (simple->state[index] < SIMPLE_FREE)
            continue;
        unsigned order = simple->state[index] - SIMPLE_FREE;
        found[order]++;
        free += simple_size(order);
        check_inside(&check, simple, index, order);
    }
    for (unsigned order = 0; order < FRAME_ORDERS; order++) {
        uint64_t length = check_list(&check, simple, order);
        check_expect(&check, length == found[order], "list %u has %lu blocks, there are %lu", order,
                     length, found[order]);
    }
    check_expect(&check, free == simple->free, "%lu frames are counted free, the blocks have %lu",
                 simple->free, free);
    check_expect(&check, free <= frames->total, "%lu frames are free of %lu that were added", free,
                 frames->total);
    return check.violations;
}

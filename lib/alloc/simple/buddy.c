/* SPDX-License-Identifier: MIT */
/*
 * Frames from a binary buddy system: a list of free blocks for each order. A block is cut in two
 * until it is as small as was asked for, and a freed one joins its buddy, the other half of the
 * block that both were cut from, as long as that is free: its index differs in one bit. (Knowlton,
 * A fast storage allocator, 1965.)
 *
 * Invariant: of two buddies not both are free blocks.
 */
#include "lib/alloc/frame_kind.h"
#include "lib/alloc/simple/simple.h"

const struct frame_kind frame_kind = {.name = "buddy"};

uint32_t simple_find(const struct simple *simple, unsigned order, uint32_t limit)
{
    uint32_t size = simple_size(order);
    for (unsigned k = order; k < FRAME_ORDERS; k++)
        for (uint32_t at = simple->head[k]; at != SIMPLE_NONE; at = simple->link[at].next)
            if (at + size <= limit)
                return at;
    return SIMPLE_NONE;
}

int simple_enclosing(const struct simple *simple, uint32_t index, uint32_t *start)
{
    for (unsigned order = 0; order < FRAME_ORDERS; order++) {
        *start = index >> order << order;
        if (simple->state[*start] == SIMPLE_FREE + order)
            return (int)order;
    }
    return -1;
}

void simple_take(struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t start;
    int k = simple_enclosing(simple, index, &start);
    simple_unlink(simple, start);
    while (k-- > (int)order) {
        uint32_t half = simple_size((unsigned)k);
        bool is_upper = (index & half) != 0;
        simple_push(simple, is_upper ? start : start + half, (unsigned)k);
        start += is_upper ? half : 0;
    }
}

static uint32_t buddy_of(uint32_t index, unsigned order)
{
    return index ^ simple_size(order);
}

static bool can_merge(const struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t buddy = buddy_of(index, order);
    return order < FRAME_ORDER_MAX && buddy < simple->count &&
           simple->state[buddy] == SIMPLE_FREE + order;
}

void simple_put(struct simple *simple, uint32_t index, unsigned order)
{
    for (; can_merge(simple, index, order); order++) {
        simple_unlink(simple, buddy_of(index, order));
        index &= buddy_of(index, order);
    }
    simple_push(simple, index, order);
}

bool simple_may_stay(const struct simple *simple, uint32_t index, unsigned order)
{
    return !can_merge(simple, index, order);
}

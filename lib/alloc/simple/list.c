/* SPDX-License-Identifier: MIT */
/*
 * Frames from a plain free list: every free frame is on it by itself, and the frame that came last
 * goes first. Nothing is faster for single frames on one CPU, which is why many small kernels stop
 * here. For all else the price is a walk over every frame there is: a larger block has to be looked
 * for among the states, and after a while of use there are none, since nothing keeps together what
 * lies together.
 */
#include "lib/alloc/frame_kind.h"
#include "lib/alloc/simple/simple.h"
#include "lib/bits.h"

const struct frame_kind frame_kind = {.name = "list"};

uint32_t simple_find(const struct simple *simple, unsigned order, uint32_t limit)
{
    uint32_t size = simple_size(order), run = 0;
    if (order == 0 && limit == simple->count)
        return simple->head[0];
    for (uint32_t index = limit; index-- > 0;) {
        run = simple->state[index] == SIMPLE_FREE ? run + 1 : 0;
        if (run >= size && bits_is_aligned(index, size))
            return index;
    }
    return SIMPLE_NONE;
}

int simple_enclosing(const struct simple *simple, uint32_t index, uint32_t *start)
{
    *start = index;
    return simple->state[index] == SIMPLE_FREE ? 0 : -1;
}

void simple_take(struct simple *simple, uint32_t index, unsigned order)
{
    for (uint32_t end = index + simple_size(order); index < end; index++)
        simple_unlink(simple, index);
}

void simple_put(struct simple *simple, uint32_t index, unsigned order)
{
    for (uint32_t end = index + simple_size(order); index < end; index++)
        simple_push(simple, index, 0);
}

bool simple_may_stay(const struct simple *simple, uint32_t index, unsigned order)
{
    (void)simple, (void)index;
    return order == 0;
}

/* SPDX-License-Identifier: MIT */
/* Any number of contiguous frames, and many blocks at once, from the simple frame allocators. */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/simple/simple.h"
#include "lib/bits.h"

unsigned simple_largest(uint32_t index, uint32_t end)
{
    unsigned aligned = bits_lowest(index | simple_size(FRAME_ORDER_MAX));
    return (unsigned)bits_min(aligned, bits_highest(end - index));
}

uint32_t simple_end_of_run(const struct simple *simple, uint32_t index)
{
    while (index < simple->count && simple->state[index] >= SIMPLE_FREE)
        index += simple_size(simple->state[index] - SIMPLE_FREE);
    return index;
}

/* The highest `count` free frames that end at or before `limit`, the first a multiple of `align`.
 */
static uint32_t find_run(const struct simple *simple, uint64_t count, uint64_t align,
                         uint32_t limit)
{
    uint32_t found = SIMPLE_NONE;
    for (uint32_t index = 0; index < limit; index++) {
        uint32_t end = simple_end_of_run(simple, index);
        uint64_t room = bits_min(end, limit) - index;
        uint64_t last = bits_round_down(simple->first + index + room - count, align);
        if (room >= count && last >= simple->first + index)
            found = (uint32_t)(last - simple->first);
        index = end;
    }
    return found;
}

static void take_run(struct simple *simple, uint32_t index, uint32_t end)
{
    while (index < end) {
        unsigned order = simple_largest(index, end);
        simple_remove(simple, index, order);
        index += simple_size(order);
    }
}

frame_t frame_alloc_run(struct frames *frames, struct frame_run run)
{
    struct simple *simple = simple_of(frames);
    uint32_t index = SIMPLE_NONE;
    uint64_t align = run.align == 0 ? 1 : run.align;
    if (run.count == 0 || !bits_is_power_of_two(align))
        frame_port_panic("frame_alloc_run: %llu frames, aligned to %llu: malformed",
                         (unsigned long long)run.count, (unsigned long long)align);
    simple_check_flags("frame_alloc_run", frames, run.flags, run.node);
    bool were_on = simple_lock(simple);
    if (!simple_is_short(simple, run.count, run.flags))
        index = find_run(simple, run.count, align, simple_limit(simple, run.below));
    if (index != SIMPLE_NONE)
        take_run(simple, index, index + (uint32_t)run.count);
    simple_unlock(simple, were_on);
    if (index == SIMPLE_NONE)
        return FRAME_NONE;
    for (uint64_t i = 0; (run.flags & FRAME_ZERO) != 0 && i < run.count; i++)
        frame_port_zero((frame_t){simple->first + index + i}, 0);
    return (frame_t){simple->first + index};
}

void frame_free_run(struct frames *frames, frame_t start, uint64_t count)
{
    struct simple *simple = simple_of(frames);
    if (!simple_is_there(simple, start, count, SIMPLE_PLAIN))
        frame_port_panic("frame_free_run: frames 0x%llx to 0x%llx are not memory that is managed",
                         (unsigned long long)start.number,
                         (unsigned long long)(start.number + count - 1));
    uint32_t index = simple_index(simple, start), end = index + (uint32_t)count;
    while (index < end) {
        unsigned order = simple_largest(index, end);
        frame_free(frames, (frame_t){simple->first + index}, order);
        index += simple_size(order);
    }
}

size_t frame_alloc_bulk(struct frames *frames, struct frame_request request, frame_t *blocks,
                        size_t count)
{
    for (size_t done = 0; done < count; done++) {
        blocks[done] = frame_alloc(frames, request);
        if (frame_is_none(blocks[done]))
            return done;
    }
    return count;
}

void frame_free_bulk(struct frames *frames, const frame_t *blocks, size_t count, unsigned order)
{
    for (size_t i = 0; i < count; i++)
        frame_free(frames, blocks[i], order);
}

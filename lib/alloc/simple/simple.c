/* SPDX-License-Identifier: MIT */
/*
 * The interface of the simple frame allocators; see simple.h. Each call checks what it was given,
 * takes the lock, and leaves the blocks to list.c or buddy.c.
 */
#include "lib/alloc/simple/simple.h"

#include "lib/alloc/frame_port.h"
#include "lib/atomic.h"
#include "lib/bits.h"

static uint32_t size_of(unsigned order)
{
    return (uint32_t)1 << order;
}

static uint32_t index_of(const struct simple *simple, frame_t frame)
{
    return (uint32_t)(frame.number - simple->first);
}

static void lock(struct simple *simple)
{
    while (atomic_exchange(&simple->locked, true))
        while (atomic_peek(&simple->locked))
            continue;
}

static void unlock(struct simple *simple)
{
    atomic_store(&simple->locked, false);
}

/* Setting up */

/* From the GiB that holds the first frame to the last frame. */
static struct frame_range extent(const struct frame_range *ranges, size_t count)
{
    uint64_t first = ranges[0].start.number >> FRAME_ORDER_MAX << FRAME_ORDER_MAX;
    return (struct frame_range){{first}, ranges[count - 1].end};
}

size_t frame_metadata_size(const struct frame_range *ranges, size_t count)
{
    struct frame_range all = extent(ranges, count);
    uint64_t frames = all.end.number - all.start.number;
    return sizeof(struct simple) + frames * (sizeof(struct simple_link) + sizeof(uint8_t));
}

void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                void *metadata)
{
    struct frame_range all = extent(ranges, count);
    struct simple *simple = metadata;
    if (all.end.number - all.start.number >= SIMPLE_NONE)
        frame_port_panic("frame_init: frames 0x%llx to 0x%llx are more than fit 32 bits",
                         (unsigned long long)all.start.number,
                         (unsigned long long)all.end.number - 1);
    *frames = (struct frames){.ranges = metadata};
    *simple = (struct simple){.first = all.start.number};
    simple->count = index_of(simple, all.end);
    simple->link = (struct simple_link *)(simple + 1);
    simple->state = (uint8_t *)(simple->link + simple->count);
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        simple->head[order] = SIMPLE_NONE;
    for (uint32_t index = 0; index < simple->count; index++)
        simple->state[index] = SIMPLE_OUTSIDE;
    for (size_t i = 0; i < count; i++)
        for (uint64_t at = ranges[i].start.number; at < ranges[i].end.number; at++)
            simple->state[at - simple->first] = SIMPLE_ABSENT;
}

/* The free lists */

void simple_push(struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t next = simple->head[order];
    simple->link[index] = (struct simple_link){next, SIMPLE_NONE};
    if (next != SIMPLE_NONE)
        simple->link[next].prev = index;
    simple->head[order] = index;
    simple->state[index] = (uint8_t)(SIMPLE_FREE + order);
}

void simple_unlink(struct simple *simple, uint32_t index)
{
    struct simple_link link = simple->link[index];
    if (link.next != SIMPLE_NONE)
        simple->link[link.next].prev = link.prev;
    if (link.prev != SIMPLE_NONE)
        simple->link[link.prev].next = link.next;
    else
        simple->head[simple->state[index] - SIMPLE_FREE] = link.next;
    simple->state[index] = SIMPLE_PLAIN;
}

/* Checks */

int simple_enclosing(const struct simple *simple, uint32_t index, uint32_t *start)
{
    for (unsigned order = 0; order < FRAME_ORDERS; order++) {
        *start = index >> order << order;
        if (simple->state[*start] == SIMPLE_FREE + order)
            return (int)order;
    }
    return -1;
}

/* The first free frame of the block, or SIMPLE_NONE. */
static uint32_t first_free(const struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t start, end = index + size_of(order);
    if (simple_enclosing(simple, index, &start) >= 0)
        return index;
    while (index < end && simple->state[index] < SIMPLE_FREE)
        index++;
    return index < end ? index : SIMPLE_NONE;
}

static bool is_wholly_free(const struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t start, end = index + size_of(order);
    while (index < end) {
        int enclosing = simple_enclosing(simple, index, &start);
        if (enclosing < 0)
            return false;
        index = start + size_of((unsigned)enclosing);
    }
    return true;
}

static bool is_there(const struct simple *simple, frame_t frame, uint64_t count, uint8_t state)
{
    if (frame.number < simple->first || frame.number - simple->first > simple->count ||
        count > simple->count - (frame.number - simple->first))
        return false;
    uint32_t index = index_of(simple, frame);
    while (count > 0 && simple->state[index + count - 1] >= state)
        count--;
    return count == 0;
}

static void check_order(const char *who, unsigned order)
{
    if (order > FRAME_ORDER_MAX)
        frame_port_panic("%s: there is no order %u, the largest is %u", who, order,
                         FRAME_ORDER_MAX);
}

/* The block has an order that exists, is aligned to it, and is all memory. */
static void check_block(const char *who, const struct simple *simple, frame_t frame, unsigned order)
{
    check_order(who, order);
    if (!bits_is_aligned(frame.number, size_of(order)))
        frame_port_panic("%s: frame 0x%llx is not aligned to its order %u", who,
                         (unsigned long long)frame.number, order);
    if (!is_there(simple, frame, size_of(order), SIMPLE_PLAIN))
        frame_port_panic("%s: frame 0x%llx, order %u, is not memory that is managed here", who,
                         (unsigned long long)frame.number, order);
}

/* The interface */

void frame_add(struct frames *frames, frame_t start, frame_t end)
{
    struct simple *simple = simple_of(frames);
    if (!is_there(simple, start, end.number - start.number, SIMPLE_ABSENT))
        frame_port_panic("frame_add: frames 0x%llx to 0x%llx are not all memory that is managed",
                         (unsigned long long)start.number, (unsigned long long)end.number - 1);
    lock(simple);
    for (; start.number < end.number; start.number++) {
        uint32_t index = index_of(simple, start);
        if (simple->state[index] != SIMPLE_ABSENT) {
            unlock(simple);
            frame_port_panic("frame_add: frame 0x%llx is free already",
                             (unsigned long long)start.number);
        }
        simple->state[index] = SIMPLE_PLAIN;
        simple_put(simple, index, 0);
        simple->free++;
        frames->total++;
    }
    unlock(simple);
}

static uint32_t limit_of(const struct simple *simple, frame_t below)
{
    if (below.number == 0)
        return simple->count;
    return below.number <= simple->first
               ? 0
               : (uint32_t)bits_min(below.number - simple->first, simple->count);
}

frame_t frame_alloc(struct frames *frames, struct frame_request request)
{
    struct simple *simple = simple_of(frames);
    check_order("frame_alloc", request.order);
    if (request.flags & ~FRAME_ZERO)
        frame_port_panic("frame_alloc: there are no flags 0x%x", request.flags);
    lock(simple);
    uint32_t index = simple_find(simple, request.order, limit_of(simple, request.below));
    if (index != SIMPLE_NONE) {
        simple_take(simple, index, request.order);
        simple->free -= size_of(request.order);
    }
    unlock(simple);
    if (index == SIMPLE_NONE)
        return FRAME_NONE;
    frame_t found = {simple->first + index};
    if (request.flags & FRAME_ZERO)
        frame_port_zero(found, request.order);
    return found;
}

bool frame_alloc_at(struct frames *frames, frame_t frame, unsigned order)
{
    struct simple *simple = simple_of(frames);
    check_block("frame_alloc_at", simple, frame, order);
    uint32_t index = index_of(simple, frame);
    lock(simple);
    bool free = is_wholly_free(simple, index, order);
    if (free) {
        simple_take(simple, index, order);
        simple->free -= size_of(order);
    }
    unlock(simple);
    return free;
}

void frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    struct simple *simple = simple_of(frames);
    check_block("frame_free", simple, frame, order);
    uint32_t index = index_of(simple, frame);
    lock(simple);
    bool in_use = first_free(simple, index, order) == SIMPLE_NONE;
    if (in_use) {
        simple_put(simple, index, order);
        simple->free += size_of(order);
    }
    unlock(simple);
    if (!in_use)
        frame_port_panic(
            "frame_free: frame 0x%llx, order %u, is free already, in part or as a whole",
            (unsigned long long)frame.number, order);
}

void frame_free_part(struct frames *frames, frame_t block, unsigned order, frame_t part,
                     unsigned part_order)
{
    check_block("frame_free_part", simple_of(frames), block, order);
    if (part_order > order || part.number >> order != block.number >> order)
        frame_port_panic("frame_free_part: frame 0x%llx, order %u, is no part of order %u",
                         (unsigned long long)part.number, part_order, order);
    frame_free(frames, part, part_order);
}

/* No CPU keeps anything of its own. */
bool frame_drain(struct frames *frames)
{
    (void)frames;
    return true;
}

uint64_t frame_free_count(const struct frames *frames)
{
    return atomic_peek(&simple_of(frames)->free);
}

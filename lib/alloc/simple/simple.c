/* SPDX-License-Identifier: MIT */
/*
 * The interface of the simple frame allocators; see simple.h. Each call checks what it was given,
 * takes the lock, and leaves the blocks to list.c or buddy.c.
 */
#include "lib/alloc/simple/simple.h"

#include "lib/alloc/frame_port.h"
#include "lib/atomic.h"
#include "lib/bits.h"

bool simple_lock(struct simple *simple)
{
    bool were_on = frame_home_interrupts_off();
    while (atomic_exchange(&simple->locked, true))
        while (atomic_peek(&simple->locked))
            continue;
    return were_on;
}

void simple_unlock(struct simple *simple, bool were_on)
{
    atomic_store(&simple->locked, false);
    if (were_on)
        frame_home_interrupts_on();
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

static bool is_wholly_used(const struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t start, end = index + simple_size(order);
    if (simple_enclosing(simple, index, &start) >= 0)
        return false;
    while (index < end && simple->state[index] < SIMPLE_FREE)
        index++;
    return index == end;
}

static bool is_wholly_free(const struct simple *simple, uint32_t index, unsigned order)
{
    uint32_t start, end = index + simple_size(order);
    while (index < end) {
        int enclosing = simple_enclosing(simple, index, &start);
        if (enclosing < 0)
            return false;
        index = start + simple_size((unsigned)enclosing);
    }
    return true;
}

bool simple_is_there(const struct simple *simple, frame_t frame, uint64_t count, uint8_t state)
{
    if (frame.number < simple->first || frame.number - simple->first > simple->count ||
        count > simple->count - (frame.number - simple->first))
        return false;
    uint32_t index = simple_index(simple, frame);
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
    if (!bits_is_aligned(frame.number, simple_size(order)))
        frame_port_panic("%s: frame 0x%llx is not aligned to its order %u", who,
                         (unsigned long long)frame.number, order);
    if (!simple_is_there(simple, frame, simple_size(order), SIMPLE_PLAIN))
        frame_port_panic("%s: frame 0x%llx, order %u, is not memory that is managed here", who,
                         (unsigned long long)frame.number, order);
}

/* The interface */

bool simple_is_short(const struct simple *simple, uint64_t count, uint8_t flags)
{
    uint64_t kept = (flags & FRAME_ATOMIC) != 0 ? 0 : simple->reserve;
    return simple->free < kept || simple->free - kept < count;
}

uint32_t simple_limit(const struct simple *simple, frame_t below)
{
    if (below.number == 0)
        return simple->count;
    return below.number <= simple->first
               ? 0
               : (uint32_t)bits_min(below.number - simple->first, simple->count);
}

void simple_check_flags(const char *who, const struct frames *frames, uint8_t flags, uint16_t node)
{
    if (flags & ~(FRAME_ZERO | FRAME_ATOMIC))
        frame_port_panic("%s: there are no flags 0x%x", who, flags);
    if (node > frames->nodes)
        frame_port_panic("%s: there is no node %u", who, node - 1U);
}

void simple_remove(struct simple *simple, uint32_t index, unsigned order)
{
    simple_take(simple, index, order);
    simple->free -= simple_size(order);
}

frame_t frame_alloc(struct frames *frames, struct frame_request request)
{
    struct simple *simple = simple_of(frames);
    uint32_t index = SIMPLE_NONE;
    check_order("frame_alloc", request.order);
    simple_check_flags("frame_alloc", frames, request.flags, request.node);
    bool were_on = simple_lock(simple);
    if (!simple_is_short(simple, simple_size(request.order), request.flags))
        index = simple_find(simple, request.order, simple_limit(simple, request.below));
    if (index != SIMPLE_NONE)
        simple_remove(simple, index, request.order);
    simple_unlock(simple, were_on);
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
    uint32_t index = simple_index(simple, frame);
    bool were_on = simple_lock(simple);
    bool free = is_wholly_free(simple, index, order);
    if (free)
        simple_remove(simple, index, order);
    simple_unlock(simple, were_on);
    return free;
}

void frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    struct simple *simple = simple_of(frames);
    check_block("frame_free", simple, frame, order);
    uint32_t index = simple_index(simple, frame);
    bool were_on = simple_lock(simple);
    bool in_use = is_wholly_used(simple, index, order);
    if (in_use) {
        simple_put(simple, index, order);
        simple->free += simple_size(order);
    }
    simple_unlock(simple, were_on);
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

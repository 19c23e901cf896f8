/* SPDX-License-Identifier: MIT */
/*
 * Any number of contiguous frames, and many blocks at once, made of what frame.c gives: blocks of
 * 2^order frames that lie beside each other, or anywhere.
 */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

/* The order of the largest block that starts at `at` and ends at `end` or before. */
static unsigned order_at(uint64_t at, uint64_t end)
{
    return (unsigned)bits_min(bits_highest(end - at), bits_lowest(at | SPAN_FRAMES));
}

void frame_free_run(struct frames *frames, frame_t start, uint64_t count)
{
    uint64_t end = start.number + count;
    for (uint64_t at = start.number, order; at < end; at += (uint64_t)1 << order) {
        order = order_at(at, end);
        frame_free(frames, (frame_t){at}, (unsigned)order);
    }
}

/* Takes all of [start, end), or nothing. */
static bool take_run(struct frames *frames, uint64_t start, uint64_t end, unsigned flags)
{
    for (uint64_t at = start, order; at < end; at += (uint64_t)1 << order) {
        order = order_at(at, end);
        struct want want = {at, at + ((uint64_t)1 << order), (uint8_t)order, false};
        if (frame_take(frames, want, flags, 0) == NOT_FOUND) {
            frame_free_run(frames, (frame_t){start}, at - start);
            return false;
        }
        if (FRAME_DEBUG)
            frame_debug_alloc(frames, at, (unsigned)order);
        if (flags & FRAME_ZERO)
            frame_port_zero((frame_t){at}, (unsigned)order);
    }
    return true;
}

/* The start of the frames below `at` that are as free as the last of them, as far as one node of
 * the tree tells. */
static uint64_t stretch(const struct frames *frames, uint64_t at, bool *free)
{
    uint64_t last = at - 1, gib = last >> SPAN_SHIFT, block = last >> BLOCK_SHIFT;
    *free = list_has(frames, LIST_GIBS, 1, gib);
    if (*free || open_span(frames, gib) == NULL)
        return gib << SPAN_SHIFT;
    uint16_t desc = atomic_load(block_desc(frames, block));
    *free = (desc & DESC_WHOLE) != 0;
    if (*free || (desc & DESC_RAW) != 0)
        return block << BLOCK_SHIFT;
    uint64_t bits = atomic_load(&block_line(frames, block)[last % BLOCK_FRAMES / 64]);
    *free = (bits >> (last % 64) & 1) != 0;
    uint64_t other = (*free ? ~bits : bits) & word_mask(0, (unsigned)(last % 64));
    return other == 0 ? bits_round_down(last, 64)
                      : bits_round_down(last, 64) + bits_highest(other) + 1;
}

/* Takes the highest run in [low, high). Its first frame, or NOT_FOUND. */
static uint64_t scan(struct frames *frames, struct frame_run run, uint64_t low, uint64_t high)
{
    uint64_t align = bits_max(run.align, 1), end = bits_min(high, frames->gibs << SPAN_SHIFT);
    for (uint64_t at = end; at > low;) {
        bool free;
        at = bits_max(stretch(frames, at, &free), low);
        while (free && end - at >= run.count) {
            uint64_t start = bits_round_down(end - run.count, align);
            if (start < at || start >= end)
                break;
            if (take_run(frames, start, start + run.count, run.flags))
                return start;
            end = start;
        }
        end = free ? end : at;
    }
    return NOT_FOUND;
}

frame_t frame_alloc_run(struct frames *frames, struct frame_run run)
{
    uint64_t found = NOT_FOUND, limit = run.below.number != 0 ? run.below.number : FRAME_END;
    if (run.count == 0 || (run.align & (run.align - 1)) != 0 || run.node > frames->nodes ||
        (run.flags & ~(FRAME_ZERO | FRAME_ATOMIC)) != 0)
        frame_port_panic("frame_alloc_run: %llu frames, aligned to %llu, flags 0x%x, node %u",
                         (unsigned long long)run.count, (unsigned long long)run.align, run.flags,
                         run.node - 1U);
    for (unsigned attempt = 0; attempt < 2 && found == NOT_FOUND; attempt++) {
        frame_drain(frames);
        if (attempt == 1)
            frame_home_drain_others(frames);
        const struct frame_node *node = run.node != 0 ? &frames->node[run.node - 1] : NULL;
        for (size_t i = node != NULL ? node->count : 0; i-- > 0 && found == NOT_FOUND;)
            found = scan(frames, run, node->ranges[i].start.number,
                         bits_min(limit, node->ranges[i].end.number));
        if (found == NOT_FOUND)
            found = scan(frames, run, 0, limit);
    }
    return (frame_t){found};
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

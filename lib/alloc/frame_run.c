/* SPDX-License-Identifier: MIT */
/*
 * Any number of contiguous frames, and many blocks at once: takes blocks of frame_alloc_at() and
 * frame_alloc(), which lie beside each other or anywhere.
 */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

/* The order of the largest block that starts at `at` and ends at `end` or before. */
static unsigned order_at(uint64_t at, uint64_t end)
{
    unsigned order = bits_highest(end - at);
    if (at != 0 && bits_lowest(at) < order)
        order = bits_lowest(at);
    return order < FRAME_ORDER_MAX ? order : FRAME_ORDER_MAX;
}

void frame_free_run(struct frames *frames, frame_t start, uint64_t count)
{
    uint64_t end = start.number + count;
    for (uint64_t at = start.number; at < end;) {
        unsigned order = order_at(at, end);
        frame_free(frames, (frame_t){at}, order);
        at += (uint64_t)1 << order;
    }
}

/* All of [start, end), or nothing. */
static bool take(struct frames *frames, uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end;) {
        unsigned order = order_at(at, end);
        if (!frame_alloc_at(frames, (frame_t){at}, order)) {
            frame_free_run(frames, (frame_t){start}, at - start);
            return false;
        }
        at += (uint64_t)1 << order;
    }
    return true;
}

/* Where the stretch of frames that are as free as frame `at` is, as far as one node of the tree
 * tells, ends. */
static uint64_t stretch(const struct frames *frames, uint64_t at, bool *free)
{
    uint64_t gib = at >> SPAN_SHIFT, block = at >> BLOCK_SHIFT;
    *free = list_has(frames, LIST_GIBS, 1, gib);
    if (*free || !span_is_open(frames, gib))
        return (gib + 1) << SPAN_SHIFT;
    uint16_t desc = atomic_load(block_desc(frames, block));
    *free = (desc & DESC_WHOLE) != 0;
    if (*free || (desc & DESC_RAW) != 0)
        return (block + 1) << BLOCK_SHIFT;
    uint64_t word = atomic_load(&block_line(frames, block)[at % BLOCK_FRAMES / 64]) >> at % 64;
    *free = (word & 1) != 0;
    uint64_t other = *free ? ~word : word;
    unsigned length = other == 0 ? 64 : bits_lowest(other), rest = 64 - at % 64;
    return at + (length < rest ? length : rest);
}

frame_t frame_alloc_run(struct frames *frames, struct frame_run run)
{
    uint64_t align = run.align == 0 ? 1 : run.align;
    if (run.count == 0 || !bits_is_power_of_two(align) ||
        (run.flags & ~(FRAME_ZERO | FRAME_ATOMIC)) != 0)
        frame_port_panic("frame_alloc_run: %llu frames, aligned to %llu, flags 0x%x: malformed",
                         (unsigned long long)run.count, (unsigned long long)align, run.flags);
    uint64_t limit = frames->gibs << SPAN_SHIFT;
    if (run.below.number != 0)
        limit = bits_min(limit, run.below.number);
    frame_drain(frames);
    uint64_t start = 0;
    for (uint64_t at = 0; at < limit;) {
        bool free;
        uint64_t end = bits_min(stretch(frames, at, &free), limit);
        if (!free)
            start = bits_round_up(end, align);
        else if (end >= start + run.count) {
            if (take(frames, start, start + run.count)) {
                for (at = start; (run.flags & FRAME_ZERO) != 0 && at < start + run.count; at++)
                    frame_port_zero((frame_t){at}, 0);
                return (frame_t){start};
            }
            start = bits_round_up(start + 1, align);
            end = bits_min(start, end);
        }
        at = bits_max(end, at + 1);
    }
    return FRAME_NONE;
}

size_t frame_alloc_bulk(struct frames *frames, struct frame_request request, frame_t *blocks,
                        size_t count)
{
    size_t done = 0;
    for (; done < count; done++) {
        blocks[done] = frame_alloc(frames, request);
        if (frame_is_none(blocks[done]))
            break;
    }
    return done;
}

void frame_free_bulk(struct frames *frames, const frame_t *blocks, size_t count, unsigned order)
{
    for (size_t i = 0; i < count; i++)
        frame_free(frames, blocks[i], order);
}

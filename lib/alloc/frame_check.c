/* SPDX-License-Identifier: MIT */
/*
 * The checker of the frame allocator: visits every node that means something and says, as a
 * sentence each, which equation of frame_tree.h does not hold.
 */
#include "lib/alloc/frame_tree.h"

static unsigned line_count(const uint64_t line[LINE_WORDS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        count += bits_count(line[i]);
    return count;
}

/* Free memory that is not managed would be given out although it is no memory. */
static void check_ranges(struct check *check, const struct frames *frames, uint64_t start,
                         uint64_t count)
{
    check_expect(check, frame_is_managed(frames, start, count),
                 "frames 0x%lx to 0x%lx are free but not managed", start, start + count - 1);
}

/* Returns the free frames of the block that starts at frame `start`. */
static uint64_t check_split_block(struct check *check, const struct frames *frames,
                                  const struct frame_span *span, uint64_t start)
{
    unsigned block = (unsigned)(start >> BLOCK_SHIFT) % SPAN_BLOCKS;
    const uint64_t *line = span->line[block];
    unsigned free = line_count(line);
    check_expect(check, free == span->free_in[block],
                 "block 0x%lx counts %u free frames, its line has %u", start, span->free_in[block],
                 free);
    check_expect(check, free != 0, "block 0x%lx is called split but has no free frame", start);
    check_expect(check, free != BLOCK_FRAMES, "block 0x%lx is called split but is wholly free",
                 start);
    for (unsigned frame = 0; frame < LINE_BITS; frame++)
        if (bits_test(line, frame))
            check_ranges(check, frames, start + frame, 1);
    return free;
}

/* Returns the free frames of GiB number `gib`. */
static uint64_t check_split_span(struct check *check, const struct frames *frames, uint64_t gib)
{
    const struct frame_span *span = frame_span_of(frames, gib);
    uint64_t free = 0;
    for (unsigned block = 0; block < SPAN_BLOCKS; block++) {
        uint64_t start = (gib << SPAN_SHIFT) + block * BLOCK_FRAMES;
        bool whole = bits_test(span->whole, block), split = bits_test(span->split, block);
        check_expect(check, !(whole && split), "block 0x%lx is called both whole and split", start);
        if (whole) {
            check_ranges(check, frames, start, BLOCK_FRAMES);
            free += BLOCK_FRAMES;
        } else if (split) {
            free += check_split_block(check, frames, span, start);
        }
    }
    check_expect(check, free == span->free_frames,
                 "GiB %lu counts %lu free frames, its blocks have %lu", gib, span->free_frames,
                 free);
    check_expect(check, free != 0, "GiB %lu is called split but has no free frame", gib);
    check_expect(check, free != SPAN_FRAMES, "GiB %lu is called split but is wholly free", gib);
    return free;
}

size_t frame_check(const struct frames *frames, check_report *report)
{
    struct check check = {.report = report};
    uint64_t free = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++) {
        bool whole = bits_test(frames->whole, gib), split = bits_test(frames->split, gib);
        check_expect(&check, !(whole && split), "GiB %lu is called both whole and split", gib);
        check_expect(&check, !(whole || split) || frames->slots[gib] != 0,
                     "GiB %lu is called free but holds no memory", gib);
        if (frames->slots[gib] == 0)
            continue;
        if (whole) {
            check_ranges(&check, frames, gib << SPAN_SHIFT, SPAN_FRAMES);
            free += SPAN_FRAMES;
        } else if (split) {
            free += check_split_span(&check, frames, gib);
        }
    }
    check_expect(&check, free == frames->free, "%lu frames are counted free, the tree has %lu",
                 frames->free, free);
    check_expect(&check, frames->free <= frames->total,
                 "%lu frames are free of %lu that were added", frames->free, frames->total);
    return check.violations;
}

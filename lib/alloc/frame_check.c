/* SPDX-License-Identifier: MIT */
/*
 * The checker of the frame allocator: visits every node that means something and says, as a
 * sentence each, what of frame_tree.h does not hold. Nobody may allocate or free meanwhile.
 */
#include "lib/alloc/frame_tree.h"

static bool has_bit(const uint64_t line[LINE_WORDS], uint64_t bit)
{
    return (atomic_peek(&line[bit % LINE_BITS / 64]) >> (bit % 64)) & 1;
}

/* Free memory that is not managed would be given out although it is no memory. */
static void check_managed(struct check *check, const struct frames *frames, uint64_t start,
                          uint64_t count)
{
    check_expect(check, frame_is_managed(frames, start, count),
                 "frames 0x%lx to 0x%lx are free but not managed", start, start + count - 1);
}

static bool is_owned(const struct frames *frames, uint64_t block)
{
    for (unsigned i = 0; i < frames->cpus; i++)
        if (frames->cpu[i].owned == block || frames->cpu[i].runs == block)
            return true;
    return false;
}

static void check_listing(struct check *check, const struct frames *frames, uint64_t block)
{
    uint64_t start = block << BLOCK_SHIFT;
    uint16_t desc = *block_desc(frames, block);
    unsigned list = desc_list(desc);
    check_expect(check, (desc & DESC_OWNED) == 0 || is_owned(frames, block),
                 "block 0x%lx is not owned by a CPU, its descriptor says otherwise", start);
    check_expect(check, list == LIST_NONE || list_has(frames, list, 0, block),
                 "block 0x%lx has %d free frames and is not listed for it", start,
                 desc_count(desc));
}

/* Returns the free frames in the line. */
static uint64_t check_line(struct check *check, const struct frames *frames, uint64_t block)
{
    uint64_t free = 0, start = block << BLOCK_SHIFT;
    const uint64_t *line = block_line(frames, block);
    uint16_t desc = *block_desc(frames, block);
    for (unsigned i = 0; i < LINE_WORDS; i++)
        free += bits_count(line[i]);
    check_expect(check, (int)free == desc_count(desc),
                 "block 0x%lx counts %d free frames, its line has %lu", start, desc_count(desc),
                 free);
    check_expect(check, free != BLOCK_FRAMES || (desc & DESC_OWNED) != 0,
                 "block 0x%lx is wholly free and should have been merged", start);
    for (unsigned frame = 0; frame < LINE_BITS; frame++)
        if (has_bit(line, frame))
            check_managed(check, frames, start + frame, 1);
    return free;
}

/* Returns the free frames of the block. */
static uint64_t check_block(struct check *check, const struct frames *frames, uint64_t block)
{
    uint64_t start = block << BLOCK_SHIFT;
    uint16_t desc = *block_desc(frames, block);
    bool whole = list_has(frames, LIST_BLOCKS, 0, block);
    check_expect(check, whole == ((desc & DESC_WHOLE) != 0),
                 "block 0x%lx is %s, its descriptor says otherwise", start,
                 whole ? "whole" : "not whole");
    check_listing(check, frames, block);
    if (whole)
        check_managed(check, frames, start, BLOCK_FRAMES);
    if ((desc & DESC_RAW) != 0)
        return whole ? BLOCK_FRAMES : 0;
    uint64_t free = check_line(check, frames, block);
    check_expect(check, !whole || free == 0, "block 0x%lx is free both as a whole and in part",
                 start);
    return whole ? BLOCK_FRAMES : free;
}

/* Returns the free frames of GiB number `gib`. */
static uint64_t check_gib(struct check *check, const struct frames *frames, uint64_t gib)
{
    uint64_t free = 0;
    if (list_has(frames, LIST_GIBS, 1, gib)) {
        check_managed(check, frames, gib << SPAN_SHIFT, SPAN_FRAMES);
        return SPAN_FRAMES;
    }
    for (unsigned i = 0; open_span(frames, gib) != NULL && i < SPAN_BLOCKS; i++)
        free += check_block(check, frames, gib * SPAN_BLOCKS + i);
    check_expect(check, free != SPAN_FRAMES, "GiB %lu is wholly free and should have been merged",
                 gib);
    return free;
}

/* Each member of a list has its hints. */
static void check_hints(struct check *check, const struct frames *frames, unsigned list)
{
    for (uint64_t gib = 0; gib < frames->gibs; gib++) {
        bool known = list_has(frames, list, 1, gib);
        check_expect(check,
                     known || list >= LIST_GIBS || open_span(frames, gib) == NULL ||
                         line_is(frames->span[gib]->list[list], 0),
                     "GiB %lu is not known to have blocks of list %u, but has", gib, list);
        check_expect(check, !known || list_has(frames, list, 2, gib / LINE_BITS),
                     "the top of list %u does not know of GiB %lu", list, gib);
    }
}

/* Of a list of blocks in part free. */
static void check_listed(struct check *check, const struct frames *frames, unsigned list)
{
    uint64_t blocks = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++)
        for (unsigned i = 0; open_span(frames, gib) != NULL && i < LINE_WORDS; i++)
            blocks += bits_count(frames->span[gib]->list[list][i]);
    check_expect(check, blocks == frames->listed[list], "list %u counts %u blocks, it has %lu",
                 list, frames->listed[list], blocks);
}

/* Frames at a CPU's hand are free, and not free in the tree. Returns how many. */
static uint64_t check_mask(struct check *check, const struct frames *frames, uint64_t first,
                           uint64_t mask)
{
    for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
        uint64_t frame = first + bits_lowest(rest), gib = frame >> SPAN_SHIFT;
        bool open = open_span(frames, gib) != NULL && !list_has(frames, LIST_GIBS, 1, gib);
        check_expect(check, open && !has_bit(block_line(frames, frame >> BLOCK_SHIFT), frame),
                     "frame 0x%lx is at a CPU's hand and in the tree", frame);
    }
    return bits_count(mask);
}

static uint64_t check_cpu(struct check *check, const struct frames *frames, unsigned number)
{
    const struct frame_cpu *cpu = &frames->cpu[number];
    check_expect(check, !cpu->busy, "CPU %u has been busy all the time", number);
    check_expect(check, cpu->credit <= 2 * frames->batch + BLOCK_FRAMES,
                 "CPU %u has credit for %lu frames, and keeps others from %lu of them", number,
                 cpu->credit, cpu->credit - frames->batch);
    return check_mask(check, frames, cpu->first, cpu->mask) +
           check_mask(check, frames, cpu->freed_word * 64, cpu->freed);
}

size_t frame_check(const struct frames *frames, check_report *report)
{
    struct check check = {.report = report};
    uint64_t free = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++)
        free += check_gib(&check, frames, gib);
    for (unsigned i = 0; i < frames->cpus; i++)
        free += check_cpu(&check, frames, i);
    for (unsigned list = 0; list < FRAME_LISTS; list++)
        check_hints(&check, frames, list);
    for (unsigned list = 0; list < LIST_BLOCKS; list++)
        check_listed(&check, frames, list);
    check_expect(&check, frames->pool >= 0, "the pool owes %ld frames", -frames->pool);
    check_expect(&check, free == frame_free_count(frames),
                 "%lu frames are counted free, the tree and the CPUs have %lu",
                 frame_free_count(frames), free);
    check_expect(&check, free <= frames->total, "%lu frames are free of %lu that were added", free,
                 frames->total);
    return check.violations;
}

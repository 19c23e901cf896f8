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

static bool is_owned(const struct frames *frames, uint64_t start)
{
    for (unsigned i = 0; i < frames->cpus; i++)
        if (frames->cpu[i].owned == start)
            return true;
    return false;
}

static void check_listing(struct check *check, const struct frames *frames, struct block block)
{
    uint64_t start = block_start(block);
    uint16_t desc = *block_desc(block);
    int class = desc_class(desc);
    check_expect(check, (desc & DESC_OWNED) == 0 || is_owned(frames, start),
                 "block 0x%lx is not owned by a CPU, its descriptor says otherwise", start);
    if (class == CLASS_NONE)
        return;
    check_expect(check, has_bit(block.span->listed[class], block.number),
                 "block 0x%lx has %d free frames and is not listed for it", start,
                 desc_count(desc));
    check_expect(check, map_test(&frames->listed[class], block_gib(block)),
                 "GiB %lu is not known to have blocks of class %d, but has", block_gib(block),
                 class);
}

/* Returns the free frames in the line. */
static uint64_t check_line(struct check *check, const struct frames *frames, struct block block)
{
    uint64_t free = 0, start = block_start(block);
    int count = desc_count(*block_desc(block));
    for (unsigned i = 0; i < LINE_WORDS; i++)
        free += word_count(block_line(block)[i]);
    check_expect(check, (int)free == count, "block 0x%lx counts %d free frames, its line has %lu",
                 start, count, free);
    check_expect(check, free != BLOCK_FRAMES || (*block_desc(block) & DESC_OWNED) != 0,
                 "block 0x%lx is wholly free and should have been merged", start);
    for (unsigned frame = 0; frame < LINE_BITS; frame++)
        if (has_bit(block_line(block), frame))
            check_managed(check, frames, start + frame, 1);
    return free;
}

/* Returns the free frames of the block. */
static uint64_t check_block(struct check *check, const struct frames *frames, struct block block)
{
    uint64_t start = block_start(block);
    uint16_t desc = *block_desc(block);
    bool whole = has_bit(block.span->whole, block.number);
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
static uint64_t check_span(struct check *check, const struct frames *frames, uint64_t gib)
{
    struct block block = block_of(frames, gib << SPAN_SHIFT);
    uint64_t free = 0;
    bool any_whole = false;
    for (unsigned i = 0; i < SPAN_BLOCKS; i++, block.number++) {
        free += check_block(check, frames, block);
        any_whole = any_whole || has_bit(block.span->whole, block.number);
    }
    check_expect(check, free != SPAN_FRAMES, "GiB %lu is wholly free and should have been merged",
                 gib);
    check_expect(check, !any_whole || map_test(&frames->blocks, gib),
                 "GiB %lu is not known to have whole blocks, but has", gib);
    return free;
}

/* Each set bit of a map has its hints. */
static void check_map(struct check *check, const struct frames *frames, const struct frame_map *map)
{
    for (unsigned level = 1; level < MAP_LEVELS; level++) {
        uint64_t words = (frames->gibs + 63) / 64;
        for (unsigned i = 1; i < level; i++)
            words = (words + 63) / 64;
        for (uint64_t word = 0; word < words; word++)
            check_expect(check,
                         map->level[level - 1][word] == 0 || bits_test(map->level[level], word),
                         "level %u of a map does not know of word %lu below", level, word);
    }
}

static uint64_t check_gib(struct check *check, const struct frames *frames, uint64_t gib)
{
    if (map_test(&frames->whole, gib)) {
        check_managed(check, frames, gib << SPAN_SHIFT, SPAN_FRAMES);
        return SPAN_FRAMES;
    }
    return frame_is_open(frames, gib) ? check_span(check, frames, gib) : 0;
}

/* Frames at a CPU's hand are free, and not free in the tree. Returns how many. */
static uint64_t check_mask(struct check *check, const struct frames *frames, uint64_t first,
                           uint64_t mask)
{
    for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
        uint64_t frame = first + bits_lowest(rest);
        bool open = frame_is_open(frames, frame >> SPAN_SHIFT);
        check_expect(check,
                     open && !map_test(&frames->whole, frame >> SPAN_SHIFT) &&
                         !has_bit(block_line(block_of(frames, frame)), frame),
                     "frame 0x%lx is at a CPU's hand and in the tree", frame);
    }
    return word_count(mask);
}

size_t frame_check(const struct frames *frames, check_report *report)
{
    struct check check = {.report = report};
    uint64_t free = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++)
        free += check_gib(&check, frames, gib);
    for (unsigned i = 0; i < frames->cpus; i++) {
        const struct frame_cpu *cpu = &frames->cpu[i];
        free += check_mask(&check, frames, cpu->first, cpu->mask);
        free += check_mask(&check, frames, cpu->freed_word * 64, cpu->freed);
        check_expect(&check, !cpu->busy, "CPU %u has been busy all the time", i);
    }
    check_map(&check, frames, &frames->whole);
    check_map(&check, frames, &frames->blocks);
    for (unsigned i = 0; i < FRAME_CLASSES; i++)
        check_map(&check, frames, &frames->listed[i]);
    check_expect(&check, free == frame_free_count(frames),
                 "%lu frames are counted free, the tree and the CPUs have %lu",
                 frame_free_count(frames), free);
    check_expect(&check, free <= frames->total, "%lu frames are free of %lu that were added", free,
                 frames->total);
    return check.violations;
}

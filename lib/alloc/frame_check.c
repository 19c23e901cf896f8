/* SPDX-License-Identifier: MIT */
/*
 * The checker of the frame allocator: visits every node that means something and says, as a
 * sentence each, which equation of frame_tree.h does not hold.
 */
#include "lib/alloc/frame_tree.h"
#include "lib/format.h"

struct check {
    const struct frames *frames;
    frame_report *report;
    size_t violations;
};

__attribute__((format(printf, 3, 4))) static void expect(struct check *check, bool holds,
                                                         const char *format, ...)
{
    if (holds)
        return;
    char sentence[160];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    check->violations++;
    check->report(sentence);
}

static unsigned line_count(const uint64_t line[LINE_WORDS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        count += bits_count(line[i]);
    return count;
}

/* Free memory that is not managed would be given out although it is no memory. */
static void check_lies_in_ranges(struct check *check, uint64_t start, uint64_t count)
{
    expect(check, frame_is_managed(check->frames, start, count),
           "frames 0x%llx to 0x%llx are free but not managed", (unsigned long long)start,
           (unsigned long long)(start + count - 1));
}

static uint64_t check_split_block(struct check *check, const struct frame_span *span,
                                  unsigned block, uint64_t start)
{
    const uint64_t *line = span->line[block];
    unsigned free = line_count(line);
    expect(check, free == span->free_in[block],
           "block 0x%llx counts %u free frames, its line has %u", (unsigned long long)start,
           span->free_in[block], free);
    expect(check, free != 0, "block 0x%llx is called split but has no free frame",
           (unsigned long long)start);
    expect(check, free != BLOCK_FRAMES, "block 0x%llx is called split but is wholly free",
           (unsigned long long)start);
    for (unsigned frame = 0; frame < LINE_BITS; frame++)
        if (bits_test(line, frame))
            check_lies_in_ranges(check, start + frame, 1);
    return free;
}

static uint64_t check_split_span(struct check *check, uint64_t gib)
{
    const struct frame_span *span = frame_span_of(check->frames, gib);
    uint64_t free = 0;
    for (unsigned block = 0; block < SPAN_BLOCKS; block++) {
        uint64_t start = (gib << SPAN_SHIFT) + block * BLOCK_FRAMES;
        bool whole = bits_test(span->whole, block), split = bits_test(span->split, block);
        expect(check, !(whole && split), "block 0x%llx is called both whole and split",
               (unsigned long long)start);
        if (whole) {
            check_lies_in_ranges(check, start, BLOCK_FRAMES);
            free += BLOCK_FRAMES;
        } else if (split) {
            free += check_split_block(check, span, block, start);
        }
    }
    expect(check, free == span->free_frames, "GiB %llu counts %llu free frames, its blocks have %llu",
           (unsigned long long)gib, (unsigned long long)span->free_frames,
           (unsigned long long)free);
    expect(check, free != 0, "GiB %llu is called split but has no free frame",
           (unsigned long long)gib);
    expect(check, free != SPAN_FRAMES, "GiB %llu is called split but is wholly free",
           (unsigned long long)gib);
    return free;
}

size_t frame_check(const struct frames *frames, frame_report *report)
{
    struct check check = {.frames = frames, .report = report};
    uint64_t free = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++) {
        bool whole = bits_test(frames->whole, gib), split = bits_test(frames->split, gib);
        expect(&check, !(whole && split), "GiB %llu is called both whole and split",
               (unsigned long long)gib);
        expect(&check, !(whole || split) || frames->slots[gib] != 0,
               "GiB %llu is called free but holds no memory", (unsigned long long)gib);
        if (frames->slots[gib] == 0)
            continue;
        if (whole) {
            check_lies_in_ranges(&check, gib << SPAN_SHIFT, SPAN_FRAMES);
            free += SPAN_FRAMES;
        } else if (split) {
            free += check_split_span(&check, gib);
        }
    }
    expect(&check, free == frames->free, "%llu frames are counted free, the tree has %llu",
           (unsigned long long)frames->free, (unsigned long long)free);
    expect(&check, frames->free <= frames->total, "%llu frames are free of %llu that were added",
           (unsigned long long)frames->free, (unsigned long long)frames->total);
    return check.violations;
}

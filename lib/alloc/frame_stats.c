/* SPDX-License-Identifier: MIT */
/* Statistics of the frame allocator: what is free, seen as blocks of each order. */
#include "lib/alloc/frame_tree.h"

/* Counts the maximal aligned runs of a line; `order` is the order of one of its bits. */
static void count_runs(const uint64_t line[LINE_WORDS], unsigned order,
                       uint64_t count[FRAME_ORDERS])
{
    uint64_t rest[LINE_WORDS];
    for (unsigned i = 0; i < LINE_WORDS; i++)
        rest[i] = line[i];
    for (int k = LINE_SHIFT - 1; k >= 0; k--) {
        int first = line_find(rest, (unsigned)k, LINE_BITS);
        for (; first >= 0; first = line_find(rest, (unsigned)k, (unsigned)first)) {
            line_take(rest, (unsigned)first, (unsigned)k);
            count[order + (unsigned)k]++;
        }
    }
}

static void count_span(const struct frame_span *span, uint64_t count[FRAME_ORDERS])
{
    count_runs(span->whole, BLOCK_SHIFT, count);
    for (unsigned block = 0; block < SPAN_BLOCKS; block++)
        if (bits_test(span->split, block))
            count_runs(span->line[block], 0, count);
}

void frame_count_blocks(const struct frames *frames, uint64_t count[FRAME_ORDERS])
{
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        count[order] = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++) {
        if (bits_test(frames->whole, gib))
            count[FRAME_ORDER_MAX]++;
        else if (bits_test(frames->split, gib))
            count_span(frame_span_of(frames, gib), count);
    }
}

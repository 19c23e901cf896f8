/* SPDX-License-Identifier: MIT */
/* Statistics of the frame allocator: what is free, seen as blocks of each order. */
#include "lib/alloc/frame_kind.h"
#include "lib/alloc/frame_tree.h"

const struct frame_kind frame_kind = {
    .name = "tree",
    .keeps_low = true,
    .keeps_whole = true,
    .knows_nodes = true,
    .serves_interrupts = true,
    .costs_by_the_range = true,
};

/* Counts the maximal aligned runs of a line; `order` is the order of one of its bits. */
static void count_runs(const uint64_t line[LINE_WORDS], unsigned order,
                       uint64_t count[FRAME_ORDERS])
{
    uint64_t rest[LINE_WORDS];
    const unsigned all = LINE_BITS;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        rest[i] = atomic_load(&line[i]);
    for (unsigned k = LINE_SHIFT; k-- > 0;)
        while (line_claim(rest, k, 0, all) >= 0)
            count[order + k]++;
}

static void count_span(const struct frame_span *span, uint64_t count[FRAME_ORDERS])
{
    count_runs(span->list[LIST_BLOCKS], BLOCK_SHIFT, count);
    for (unsigned block = 0; block < SPAN_BLOCKS; block++)
        if (desc_count(atomic_load(&span->desc[block])) > 0)
            count_runs(span->line[block], 0, count);
}

void frame_count_blocks(const struct frames *frames, uint64_t count[FRAME_ORDERS])
{
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        count[order] = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++) {
        if (list_has(frames, LIST_GIBS, 1, gib))
            count[FRAME_ORDER_MAX]++;
        else if (span_is_open(frames, gib))
            count_span(frames->span[gib], count);
    }
}

uint64_t frame_blocks(const struct frames *frames)
{
    uint64_t end = frames->ranges[frames->range_count - 1].end.number;
    return (end + BLOCK_FRAMES - 1) >> BLOCK_SHIFT;
}

unsigned frame_block_free(const struct frames *frames, uint64_t block)
{
    uint64_t gib = block >> (SPAN_SHIFT - BLOCK_SHIFT);
    if (gib < frames->gibs && list_has(frames, LIST_GIBS, 1, gib))
        return BLOCK_FRAMES;
    if (!span_is_open(frames, gib))
        return 0;
    uint16_t desc = atomic_load(block_desc(frames, block));
    int count = desc_count(desc);
    return (desc & DESC_WHOLE) != 0 ? BLOCK_FRAMES : count < 0 ? 0 : (unsigned)count;
}

/* SPDX-License-Identifier: MIT */
/* Statistics of the frame allocator: what is free, by order and by place, and what CPUs have. */
#include "lib/alloc/frame_stats.h"

#include "lib/alloc/frame_kind.h"
#include "lib/alloc/frame_tree.h"
#include "lib/bits.h"

const struct frame_kind frame_kind = {
    .name = "tree",
    .keeps_low = true,
    .keeps_whole = true,
    .knows_nodes = true,
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
        else if (open_span(frames, gib) != NULL)
            count_span(frames->span[gib], count);
    }
}

uint64_t frame_end(const struct frames *frames)
{
    return frames->ranges[frames->range_count - 1].end.number;
}

static uint64_t managed_in(const struct frames *frames, uint64_t start, uint64_t end)
{
    uint64_t managed = 0;
    for (size_t i = 0; i < frames->range_count; i++) {
        uint64_t low = bits_max(frames->ranges[i].start.number, start);
        uint64_t high = bits_min(frames->ranges[i].end.number, end);
        managed += low < high ? high - low : 0;
    }
    return managed;
}

/* Adds what of the block is free; the span of its GiB is open. */
static void add_block(const struct frames *frames, uint64_t block, struct frame_fullness *fullness)
{
    uint16_t desc = atomic_load(block_desc(frames, block));
    if ((desc & DESC_WHOLE) != 0) {
        fullness->free += BLOCK_FRAMES;
        fullness->whole += BLOCK_FRAMES;
    } else if (desc_count(desc) > 0) {
        fullness->free += (unsigned)desc_count(desc);
    }
}

struct frame_fullness frame_fullness(const struct frames *frames, uint64_t start, uint64_t end)
{
    struct frame_fullness fullness = {.managed = managed_in(frames, start, end)};
    end = bits_min(end, frames->gibs << SPAN_SHIFT);
    for (uint64_t at = start, next; at < end; at = next) {
        uint64_t gib = at >> SPAN_SHIFT;
        next = bits_min(end, (gib + 1) << SPAN_SHIFT);
        if (list_has(frames, LIST_GIBS, 1, gib)) {
            fullness.free += next - at;
            fullness.whole += next - at;
        } else if (open_span(frames, gib) != NULL) {
            for (; at < next; at += BLOCK_FRAMES)
                add_block(frames, at >> BLOCK_SHIFT, &fullness);
        }
    }
    return fullness;
}

bool frame_hand(const struct frames *frames, unsigned number, struct frame_hand *hand)
{
    if (number >= frames->cpus)
        return false;
    const struct frame_cpu *cpu = &frames->cpu[number];
    uint64_t owned = atomic_peek(&cpu->owned);
    *hand = (struct frame_hand){
        .ready = bits_count(atomic_peek(&cpu->mask)),
        .word = {atomic_peek(&cpu->first)},
        .freed = bits_count(atomic_peek(&cpu->freed)),
        .block = owned == NOT_FOUND ? FRAME_NONE : (frame_t){owned << BLOCK_SHIFT},
        .credit = atomic_peek(&cpu->credit),
    };
    return true;
}

size_t frame_nodes(const struct frames *frames, const struct frame_node **nodes)
{
    *nodes = frames->node;
    return frames->nodes;
}

/* SPDX-License-Identifier: MIT */
/*
 * The searches of the frame allocator: what is broken already before what is whole, the fullest
 * block first and the highest address first. What is found is claimed; where another CPU was faster
 * the search goes on.
 */
#include "lib/alloc/frame_tree.h"

/* Claims a run within [start, end) of the line that begins at frame `first` and whose bits stand
 * for 2^shift frames each. Its first bit, or -1. */
static int claim(uint64_t *line, struct want want, uint64_t first, unsigned shift)
{
    uint64_t round = ((uint64_t)1 << shift) - 1;
    return line_claim(line, want.order - shift,
                      word_clip((want.start + round) >> shift, first >> shift, LINE_BITS),
                      word_clip(want.end >> shift, first >> shift, LINE_BITS));
}

/* Is there a run of 2^order frames in [start, end) and in the 2^shift frames at `first`? */
static bool fits(struct want want, uint64_t first, unsigned shift)
{
    uint64_t size = (uint64_t)1 << want.order, end = first + ((uint64_t)1 << shift);
    uint64_t low = bits_round_up(bits_max(want.start, first), size);
    return low + size <= bits_min(want.end, end);
}

uint64_t find_in_block(struct frames *frames, uint64_t block, struct want want)
{
    uint64_t first = block << BLOCK_SHIFT;
    if ((atomic_load(block_desc(frames, block)) & DESC_RAW) != 0)
        return NOT_FOUND;
    int found = claim(block_line(frames, block), want, first, 0);
    if (found >= 0)
        block_subtract(frames, block, 1u << want.order);
    else if (want.order > 6)
        block_merge(frames, block);
    return found < 0 ? NOT_FOUND : first + (unsigned)found;
}

/* What to do with a member of a list. Each returns what is wanted, or NOT_FOUND. */

static uint64_t take_from_listed(struct frames *frames, uint64_t block, struct want want)
{
    if (want.own)
        return block_own(frames, block) ? block << BLOCK_SHIFT : NOT_FOUND;
    return find_in_block(frames, block, want);
}

static uint64_t take_from_whole(struct frames *frames, uint64_t block, struct want want)
{
    uint64_t found = NOT_FOUND;
    if (!fits(want, block << BLOCK_SHIFT, BLOCK_SHIFT) || !list_take(frames, LIST_BLOCKS, 0, block))
        return NOT_FOUND;
    block_split(frames, block);
    if (want.own)
        return block << BLOCK_SHIFT;
    found = find_in_block(frames, block, want);
    block_release(frames, block);
    return found;
}

/* A run of blocks of a GiB, put to use as one. */
static uint64_t take_blocks(struct frames *frames, uint64_t gib, struct want want)
{
    struct frame_span *span = frames->span[gib];
    int found = claim(span->list[LIST_BLOCKS], want, gib << SPAN_SHIFT, BLOCK_SHIFT);
    if (found < 0) {
        gib_merge(frames, gib);
        return NOT_FOUND;
    }
    uint64_t first = gib * SPAN_BLOCKS + (unsigned)found;
    for (unsigned i = 0; i < 1u << (want.order - BLOCK_SHIFT); i++)
        block_use(span, (unsigned)found + i);
    return first << BLOCK_SHIFT;
}

static uint64_t take_gib(struct frames *frames, uint64_t gib, struct want want)
{
    if (!fits(want, gib << SPAN_SHIFT, SPAN_SHIFT) || !list_take(frames, LIST_GIBS, 1, gib))
        return NOT_FOUND;
    if (open_span(frames, gib) == NULL)
        span_open(frames, gib, 0);
    for (unsigned i = 0; i < SPAN_BLOCKS; i++)
        block_use(frames->span[gib], i);
    return gib << SPAN_SHIFT;
}

/* The search */

static uint64_t find_in_list(struct frames *frames, unsigned list, struct want want)
{
    unsigned level = list == LIST_GIBS, shift = level == 0 ? BLOCK_SHIFT : SPAN_SHIFT;
    uint64_t round = ((uint64_t)1 << shift) - 1, at = (want.end + round) >> shift;
    while ((at = list_highest(frames, list, level, at)) != NOT_FOUND && at >= want.start >> shift) {
        uint64_t found = NOT_FOUND;
        if (list < LIST_BLOCKS)
            found = take_from_listed(frames, at, want);
        else if (list == LIST_BLOCKS && want.order < BLOCK_SHIFT)
            found = take_from_whole(frames, at, want);
        else if (list == LIST_BLOCKS)
            found = take_blocks(frames, at / SPAN_BLOCKS, want);
        else if (want.order == SPAN_SHIFT)
            found = take_gib(frames, at, want);
        else if (fits(want, at << SPAN_SHIFT, SPAN_SHIFT) && gib_split(frames, at))
            found = find_in_list(frames, LIST_BLOCKS, want);
        if (found != NOT_FOUND)
            return found;
        if (list < LIST_BLOCKS && desc_list(atomic_load(block_desc(frames, at))) != list)
            block_unlist(frames, at, list);
        if (list == LIST_BLOCKS && want.order > BLOCK_SHIFT)
            at = bits_round_down(at, SPAN_BLOCKS);
    }
    return NOT_FOUND;
}

/* The first list where a run of 2^order frames may be found. */
static unsigned first_list(unsigned order)
{
    if (order >= BLOCK_SHIFT)
        return order < SPAN_SHIFT ? LIST_BLOCKS : LIST_GIBS;
    return order < DREGS_SHIFT ? 0 : order - DREGS_SHIFT;
}

static bool may_have(const struct frames *frames, unsigned list, unsigned order)
{
    if (list == LIST_DREGS && order >= DREGS_SHIFT)
        return false;
    return list >= LIST_BLOCKS || atomic_recheck(&frames->listed[list]) != 0;
}

static uint64_t find_in(struct frames *frames, struct want want)
{
    uint64_t found = NOT_FOUND;
    for (unsigned list = first_list(want.order); list <= LIST_GIBS && found == NOT_FOUND; list++)
        if (may_have(frames, list, want.order))
            found = find_in_list(frames, list, want);
    return found;
}

/* Some devices reach only so far: memory below 4 GiB, and below 16 MiB, is given to others only
 * when there is no other left. */
static uint64_t find_high_first(struct frames *frames, struct want want)
{
    static const uint64_t floors[] = {4 * GIB >> PAGE_SHIFT, 16 * MIB >> PAGE_SHIFT, 0};
    uint64_t found = NOT_FOUND, limit = bits_min(want.end, frames->gibs << SPAN_SHIFT);
    for (unsigned i = 0; i < 3 && found == NOT_FOUND; i++) {
        struct want part = {bits_max(want.start, floors[i]), limit, want.order, want.own};
        if (part.start < part.end)
            found = find_in(frames, part);
    }
    return found;
}

/* Nodes are tried in the order of their distance, their number, from `from`; itself first. */
static uint64_t node_rank(const struct frames *frames, size_t from, size_t node)
{
    uint64_t distance =
        frames->distance == NULL ? 1 : frames->distance[from * frames->nodes + node];
    return node == from ? 0 : (1 + distance) * frames->nodes + node;
}

/* The node of the lowest rank from *rank on, which goes beyond it; or the number of nodes. */
static size_t next_node(const struct frames *frames, size_t from, uint64_t *rank)
{
    size_t best = frames->nodes;
    uint64_t lowest = UINT64_MAX;
    for (size_t node = 0; node < frames->nodes; node++) {
        uint64_t own = node_rank(frames, from, node);
        if (own >= *rank && own < lowest) {
            lowest = own;
            best = node;
        }
    }
    *rank = lowest + 1;
    return best;
}

uint64_t find(struct frames *frames, struct want want, unsigned node)
{
    uint64_t rank = 0;
    for (size_t i = 0; node != 0 && i < frames->nodes; i++) {
        const struct frame_node *at = &frames->node[next_node(frames, node - 1, &rank)];
        for (size_t r = at->count; r-- > 0;) {
            struct want part = want;
            part.start = bits_max(want.start, at->ranges[r].start.number);
            part.end = bits_min(want.end, at->ranges[r].end.number);
            uint64_t found = find_high_first(frames, part);
            if (found != NOT_FOUND)
                return found;
        }
    }
    return find_high_first(frames, want);
}

uint64_t find_in_owned(struct frames *frames, struct want want)
{
    uint64_t found = NOT_FOUND;
    for (unsigned i = 0; i < 2 * frames->cpus && found == NOT_FOUND; i++) {
        const struct frame_cpu *cpu = &frames->cpu[i / 2];
        uint64_t block = i % 2 == 0 ? atomic_peek(&cpu->owned) : atomic_peek(&cpu->runs);
        if (block != NOT_FOUND && block >= want.start >> BLOCK_SHIFT &&
            block << BLOCK_SHIFT < want.end)
            found = find_in_block(frames, block, want);
    }
    return found;
}

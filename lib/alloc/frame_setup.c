/* SPDX-License-Identifier: MIT */
/*
 * Setting up the frame allocator: where its metadata lies, which memory it manages, and the first
 * use of each span.
 */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

/* Metadata */

#define MAPS (FRAME_CLASSES + 2)

/* Bytes of each part of the metadata, in the order in which they lie there. */
struct layout {
    size_t cpus, ranges, range_slots, slots, open, map, spans;
    uint64_t gibs;
};

static struct layout layout_of(const struct frame_range *ranges, size_t count, unsigned cpus)
{
    struct layout layout = {0};
    uint64_t spans = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].start.number >> SPAN_SHIFT;
        uint64_t end = ((ranges[i].end.number - 1) >> SPAN_SHIFT) + 1;
        spans += end - (first < layout.gibs ? layout.gibs : first);
        layout.gibs = end;
    }
    layout.cpus = (cpus + 1) * sizeof(struct frame_cpu); /* one to align */
    layout.ranges = count * sizeof(struct frame_range);
    layout.range_slots = bits_round_up(count * sizeof(uint32_t), sizeof(uint64_t));
    layout.slots = bits_round_up(layout.gibs * sizeof(uint32_t), sizeof(uint64_t));
    layout.open = (layout.gibs + 63) / 64 * sizeof(uint64_t);
    layout.map = map_size(layout.gibs);
    layout.spans = spans * sizeof(struct frame_span) + 64; /* to the start of a cache line */
    return layout;
}

size_t frame_metadata_size(const struct frame_range *ranges, size_t count, unsigned cpus)
{
    struct layout layout = layout_of(ranges, count, cpus);
    return layout.cpus + layout.ranges + layout.range_slots + layout.slots + layout.open +
           MAPS * layout.map + layout.spans +
           frame_debug_size(layout.spans / sizeof(struct frame_span));
}

/* Takes the next `bytes` of the metadata. */
static void *cut(char **next, size_t bytes)
{
    void *part = *next;
    *next += bytes;
    return part;
}

/* Copies the ranges, joining those that touch: a block may lie across their seam. */
static void copy_ranges(struct frames *frames, const struct frame_range *ranges, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && frames->ranges[kept - 1].end.number == ranges[i].start.number)
            frames->ranges[kept - 1].end = ranges[i].end;
        else
            frames->ranges[kept++] = ranges[i];
    }
    frames->range_count = kept;
}

/* Numbers the spans, of which ranges may share one. Returns how many there are. */
static uint32_t number_spans(struct frames *frames)
{
    uint64_t gibs = 0;
    uint32_t used = 0;
    for (size_t i = 0; i < frames->range_count; i++) {
        uint64_t first = frames->ranges[i].start.number >> SPAN_SHIFT;
        uint64_t end = ((frames->ranges[i].end.number - 1) >> SPAN_SHIFT) + 1;
        frames->range_slots[i] = first < gibs ? used - 1 : used;
        used = frames->range_slots[i] + (uint32_t)(end - first);
        gibs = end;
    }
    return used;
}

static void init_cpus(struct frames *frames)
{
    for (unsigned i = 0; i < frames->cpus; i++)
        frames->cpu[i] =
            (struct frame_cpu){.word = NOT_FOUND, .freed_word = NOT_FOUND, .owned = NOT_FOUND};
}

void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                unsigned cpus, void *metadata)
{
    struct layout layout = layout_of(ranges, count, cpus);
    char *next = metadata;
    frames->cpu = (struct frame_cpu *)bits_round_up((uintptr_t)cut(&next, layout.cpus),
                                                    sizeof(struct frame_cpu));
    frames->cpus = cpus;
    frames->nodes = NULL;
    frames->node_count = 0;
    frames->distance = NULL;
    frames->reserve = 0;
    frames->ranges = cut(&next, layout.ranges);
    frames->range_slots = cut(&next, layout.range_slots);
    frames->slots = cut(&next, layout.slots);
    frames->open = cut(&next, layout.open);
    frames->gibs = layout.gibs;
    frames->total = 0;
    frames->taken = 0;
    map_init(&frames->whole, layout.gibs, cut(&next, layout.map));
    map_init(&frames->blocks, layout.gibs, cut(&next, layout.map));
    for (unsigned i = 0; i < FRAME_CLASSES; i++)
        map_init(&frames->listed[i], layout.gibs, cut(&next, layout.map));
    frames->spans = (struct frame_span *)bits_round_up((uintptr_t)next, 64);
    for (uint64_t word = 0; word * 64 < frames->gibs; word++)
        frames->open[word] = 0;
    copy_ranges(frames, ranges, count);
    frames->debug = (uint8_t *)(frames->spans + number_spans(frames));
    init_cpus(frames);
}

void frame_set_nodes(struct frames *frames, const struct frame_node *nodes, size_t count,
                     const uint8_t *distance)
{
    frames->nodes = nodes;
    frames->distance = distance;
    frames->node_count = count;
}

void frame_set_cpu_node(struct frames *frames, unsigned cpu, uint16_t node)
{
    frames->cpu[cpu].node = node + 1;
}

void frame_set_reserve(struct frames *frames, uint64_t count)
{
    frames->reserve = count;
}

/* The first range that ends above `frame`, or range_count. */
static size_t range_above(const struct frames *frames, uint64_t frame)
{
    size_t low = 0, high = frames->range_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (frames->ranges[middle].end.number <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool frame_is_managed(const struct frames *frames, uint64_t start, uint64_t count)
{
    size_t i = range_above(frames, start);
    return i < frames->range_count && frames->ranges[i].start.number <= start &&
           count <= frames->ranges[i].end.number - start;
}

/* Marks the block in which frame `edge` begins or ends a range, unless it does so at an end of the
 * block. */
static void mark_ragged(struct frame_span *span, uint64_t gib, uint64_t edge)
{
    if (edge >> SPAN_SHIFT == gib && edge % BLOCK_FRAMES != 0)
        span->desc[(edge >> BLOCK_SHIFT) % SPAN_BLOCKS] |= DESC_RAGGED;
}

struct frame_span *frame_open(struct frames *frames, uint64_t gib, bool whole)
{
    size_t i = range_above(frames, gib << SPAN_SHIFT);
    uint64_t first = frames->ranges[i].start.number >> SPAN_SHIFT;
    frames->slots[gib] = frames->range_slots[i] + (uint32_t)(gib - first);

    struct frame_span *span = frame_span_of(frames, gib);
    line_fill(span->whole, 0);
    for (unsigned class = 0; class < FRAME_CLASSES; class ++)
        line_fill(span->listed[class], 0);
    for (unsigned block = 0; block < SPAN_BLOCKS; block++)
        span->desc[block] = DESC(0) | DESC_RAW | (whole ? DESC_WHOLE : 0);
    for (; i < frames->range_count && frames->ranges[i].start.number >> SPAN_SHIFT <= gib; i++) {
        mark_ragged(span, gib, frames->ranges[i].start.number);
        mark_ragged(span, gib, frames->ranges[i].end.number);
    }
    if (FRAME_DEBUG)
        frame_debug_open(frames, frames->slots[gib]);
    atomic_or(&frames->open[gib / 64], (uint64_t)1 << (gib % 64));
    return span;
}

/* Adding */

static _Noreturn void already_free(uint64_t frame)
{
    frame_port_panic("frame_add: frame 0x%llx is free already", (unsigned long long)frame);
}

/* Frees frames of one block, not all of it. */
static void add_frames(struct frames *frames, uint64_t start, uint64_t end)
{
    struct block block = block_of(frames, start);
    uint16_t *desc = block_desc(block);
    uint16_t now = atomic_load(desc);
    if ((now & DESC_WHOLE) != 0)
        already_free(start);
    if ((now & DESC_RAW) != 0) {
        line_fill(block_line(block), 0);
        atomic_store(desc, now & (uint16_t)~DESC_RAW);
    }
    unsigned low = start % BLOCK_FRAMES, high = low + (unsigned)(end - start);
    for (unsigned word = low / 64; word * 64 < high; word++) {
        uint64_t bits = line_window(word, low, high);
        if (!line_put_in_word(&block_line(block)[word], bits))
            already_free(block_start(block) + word * 64ULL);
        block_add(frames, block, word_count(bits));
    }
}

/* Frees the blocks [first, end) of one word of a span. */
static void add_blocks(struct frames *frames, uint64_t first, uint64_t end)
{
    struct block block = block_of(frames, first << BLOCK_SHIFT), at = block;
    for (at.number = first; at.number < end; at.number++) {
        uint16_t desc = atomic_peek(block_desc(at));
        if ((desc & DESC_WHOLE) != 0 || desc_count(desc) != 0)
            already_free(block_start(at));
        atomic_poke(block_desc(at), desc | DESC_WHOLE);
    }
    block.number = first;
    span_put_word(frames, block,
                  word_mask(first % 64, (unsigned)(first % 64) + (unsigned)(end - first)));
}

/* Frees the GiBs from `gib` on, up to 64, that have not been looked at yet. Returns how many. */
static uint64_t add_gibs(struct frames *frames, uint64_t gib, uint64_t end)
{
    uint64_t stop = bits_round_up(gib + 1, 64);
    if (stop > end)
        stop = end;
    uint64_t mask = word_mask(gib % 64, (unsigned)(gib % 64) + (unsigned)(stop - gib));
    if ((frames->open[gib / 64] & mask) != 0)
        return 0;
    if ((atomic_peek(&frames->whole.level[0][gib / 64]) & mask) != 0)
        already_free(gib << SPAN_SHIFT);
    map_set_range(&frames->whole, gib, stop);
    return stop - gib;
}

/* Frees the beginning of [at, end) that is of one kind. Returns where that ends. */
static uint64_t add_some(struct frames *frames, uint64_t at, uint64_t end)
{
    uint64_t gib = at >> SPAN_SHIFT;
    if (at % SPAN_FRAMES == 0 && end >> SPAN_SHIFT > gib) {
        uint64_t gibs = add_gibs(frames, gib, end >> SPAN_SHIFT);
        if (gibs > 0)
            return at + (gibs << SPAN_SHIFT);
    }
    if (map_test(&frames->whole, gib))
        already_free(at);
    if (!frame_is_open(frames, gib))
        frame_open(frames, gib, false);
    uint64_t block = at >> BLOCK_SHIFT;
    if (at % BLOCK_FRAMES == 0 && end >> BLOCK_SHIFT > block) {
        uint64_t stop = bits_round_up(block + 1, 64);
        stop = stop < end >> BLOCK_SHIFT ? stop : end >> BLOCK_SHIFT;
        add_blocks(frames, block, stop);
        return stop << BLOCK_SHIFT;
    }
    uint64_t stop = bits_round_up(at + 1, BLOCK_FRAMES);
    stop = stop < end ? stop : end;
    add_frames(frames, at, stop);
    return stop;
}

void frame_add(struct frames *frames, frame_t start, frame_t end)
{
    if (start.number >= end.number)
        return;
    if (!frame_is_managed(frames, start.number, end.number - start.number))
        frame_port_panic("frame_add: frames 0x%llx to 0x%llx are not all memory that is managed",
                         (unsigned long long)start.number, (unsigned long long)end.number - 1);
    uint64_t at = start.number;
    while (at < end.number) {
        uint64_t next = add_some(frames, at, end.number);
        atomic_add(&frames->total, next - at);
        at = next;
    }
}

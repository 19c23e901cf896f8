/* SPDX-License-Identifier: MIT */
/*
 * Setting up the frame allocator: where its metadata lies, which memory it manages, and the first
 * use of each span.
 */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

/* Metadata */

/* Takes the next `bytes` of the metadata, at a multiple of 128. */
static void *cut(uintptr_t *at, size_t bytes)
{
    uintptr_t start = bits_round_up(*at, sizeof(struct frame_cpu));
    *at = start + bytes;
    return (void *)start; /* NOLINT(performance-no-int-to-ptr) */
}

/* Where the metadata lies if it starts at `at`. Returns its end. */
static uintptr_t lay_out(struct frames *frames, const struct frame_range *ranges, size_t count,
                         unsigned cpus, uintptr_t at)
{
    uint64_t spans = 0, gibs = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].start.number >> SPAN_SHIFT;
        uint64_t end = ((ranges[i].end.number - 1) >> SPAN_SHIFT) + 1;
        spans += end - bits_max(first, gibs);
        gibs = end;
    }
    frames->gibs = gibs;
    frames->lines = (gibs + LINE_BITS - 1) / LINE_BITS + 1;
    frames->cpu = cut(&at, cpus * sizeof *frames->cpu);
    frames->lists = cut(&at, FRAME_LISTS * frames->lines * LINE_WORDS * sizeof *frames->lists);
    frames->span = cut(&at, gibs * sizeof(void *));
    frames->ranges = cut(&at, count * sizeof *frames->ranges);
    frames->spans = cut(&at, spans * sizeof *frames->spans);
    frames->debug = cut(&at, frame_debug_size(spans));
    return at;
}

size_t frame_metadata_size(const struct frame_range *ranges, size_t count, unsigned cpus)
{
    struct frames frames;
    return lay_out(&frames, ranges, count, cpus, 0) + sizeof(struct frame_cpu);
}

/* Joins ranges that touch: a block may lie across their seam. */
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

void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                unsigned cpus, void *metadata)
{
    if (cpus == 0 || cpus > FRAME_CPUS)
        frame_port_panic("frame_init: %u CPUs, not 1 to %u", cpus, FRAME_CPUS);
    *frames = (struct frames){.cpus = cpus};
    lay_out(frames, ranges, count, cpus, (uintptr_t)metadata);
    copy_ranges(frames, ranges, count);
    for (uint64_t *word = frames->lists; word < (uint64_t *)frames->span; word++)
        *word = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++)
        frames->span[gib] = NULL;
    for (unsigned i = 0; i < cpus; i++)
        frames->cpu[i] = (struct frame_cpu){
            .word = NOT_FOUND, .freed_word = NOT_FOUND, .owned = NOT_FOUND, .runs = NOT_FOUND};
}

void frame_set_nodes(struct frames *frames, const struct frame_node *nodes, size_t count,
                     const uint8_t *distance)
{
    frames->node = nodes;
    frames->nodes = count;
    frames->distance = distance;
}

void frame_set_cpu_node(struct frames *frames, unsigned cpu, uint16_t node)
{
    if (cpu >= frames->cpus || node >= frames->nodes)
        frame_port_panic("frame_set_cpu_node: there is no CPU %u, or no node %u", cpu, node);
    frames->cpu[cpu].node = node + 1;
}

void frame_set_reserve(struct frames *frames, uint64_t count)
{
    atomic_poke(&frames->reserve, (int64_t)count);
}

/* Managed memory */

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

/* Marks the block in which a range begins or ends, unless it does so at an end of the block. */
static void mark_ragged(struct frame_span *span, uint64_t gib, uint64_t edge)
{
    if (edge >> SPAN_SHIFT == gib && edge % BLOCK_FRAMES != 0)
        span->desc[(edge >> BLOCK_SHIFT) % SPAN_BLOCKS] |= DESC_RAGGED;
}

void span_open(struct frames *frames, uint64_t gib, uint16_t state)
{
    struct frame_span *span = &frames->spans[atomic_add(&frames->spans_open, 1)];
    for (unsigned list = 0; list < LIST_GIBS; list++)
        line_fill(span->list[list], 0);
    for (unsigned block = 0; block < SPAN_BLOCKS; block++)
        span->desc[block] = DESC_RAW | state;
    size_t i = range_above(frames, gib << SPAN_SHIFT);
    for (; i < frames->range_count && frames->ranges[i].start.number >> SPAN_SHIFT <= gib; i++) {
        mark_ragged(span, gib, frames->ranges[i].start.number);
        mark_ragged(span, gib, frames->ranges[i].end.number);
    }
    atomic_store(&frames->span[gib], span);
    list_put(frames, LIST_SPANS, 1, gib);
    if (FRAME_DEBUG)
        frame_debug_open(frames, gib);
}

/* Adding */

#define BATCH_MAX 16384

/* Frees GiBs for the first time, as far as one word goes. Returns how many, 0 if one of them is
 * free or has been. */
static uint64_t add_gibs(struct frames *frames, uint64_t first, uint64_t end)
{
    uint64_t stop = bits_min(bits_round_up(first + 1, 64), end);
    uint64_t bits = word_mask(first % 64, (unsigned)(first % 64 + stop - first));
    uint64_t *word = list_word(frames, LIST_GIBS, 1, first);
    if (((atomic_peek(word) | atomic_peek(list_word(frames, LIST_SPANS, 1, first))) & bits) != 0)
        return 0;
    atomic_or(word, bits);
    list_put(frames, LIST_GIBS, 2, first / LINE_BITS);
    return stop - first;
}

/* Frees for the first time what of [at, end) is of one kind: GiBs, or blocks of one GiB, or frames
 * of one block. Returns how many frames, 0 if some of them are free already. */
static uint64_t add_some(struct frames *frames, uint64_t at, uint64_t end)
{
    uint64_t gib = at >> SPAN_SHIFT, block = at >> BLOCK_SHIFT;
    if (at % SPAN_FRAMES == 0 && end >> SPAN_SHIFT > gib)
        return add_gibs(frames, gib, end >> SPAN_SHIFT) << SPAN_SHIFT;
    if (list_has(frames, LIST_GIBS, 1, gib))
        return 0;
    if (open_span(frames, gib) == NULL)
        span_open(frames, gib, 0);
    if (at % BLOCK_FRAMES == 0 && end >> BLOCK_SHIFT > block) {
        uint64_t count = bits_min((gib + 1) * SPAN_BLOCKS, end >> BLOCK_SHIFT) - block;
        return blocks_put(frames, block, (unsigned)count, DESC_RAW) ? count << BLOCK_SHIFT : 0;
    }
    uint16_t *desc = block_desc(frames, block);
    if ((atomic_peek(desc) & (DESC_RAW | DESC_WHOLE)) == DESC_RAW) {
        line_fill(block_line(frames, block), 0);
        atomic_store(desc, atomic_peek(desc) & (uint16_t)~DESC_RAW);
    }
    uint64_t count = bits_min((block + 1) << BLOCK_SHIFT, end) - at;
    return frames_put(frames, at, (unsigned)count) ? count : 0;
}

void frame_add(struct frames *frames, frame_t start, frame_t end)
{
    if (start.number >= end.number)
        return;
    if (!frame_is_managed(frames, start.number, end.number - start.number))
        frame_port_panic("frame_add: frames 0x%llx to 0x%llx are not all memory that is managed",
                         (unsigned long long)start.number, (unsigned long long)end.number - 1);
    for (uint64_t at = start.number, added; at < end.number; at += added) {
        added = add_some(frames, at, end.number);
        if (added == 0)
            frame_port_panic("frame_add: frame 0x%llx is free already", (unsigned long long)at);
        uint64_t total = atomic_add(&frames->total, added) + added;
        atomic_poke(&frames->batch, bits_min(bits_max(total / 64, 64), BATCH_MAX));
        frame_earn(frames, added);
    }
}

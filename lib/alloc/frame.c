/* SPDX-License-Identifier: MIT */
/*
 * The page frame allocator over a radix tree of bitmaps; frame_tree.h draws it. Single-threaded:
 * every call descends from the root, enters the span and the block that it changes, and leaves them
 * with the bits above put right.
 */
#include "lib/alloc/frame.h"

#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"
#include "lib/bits.h"

static uint64_t span_index(uint64_t frame)
{
    return frame >> SPAN_SHIFT;
}

static unsigned block_index(uint64_t frame)
{
    return (unsigned)(frame >> BLOCK_SHIFT) % SPAN_BLOCKS;
}

static unsigned frame_index(uint64_t frame)
{
    return (unsigned)frame % LINE_BITS;
}

/* How many of the `size` frames from `start` on lie below `limit`. */
static uint64_t below(uint64_t limit, uint64_t start, uint64_t size)
{
    return limit <= start ? 0 : bits_min(limit - start, size);
}

/* The highest set bit of `map` below `limit`, or -1. */
static int64_t highest_below(const uint64_t *map, uint64_t limit)
{
    for (uint64_t word = (limit + 63) / 64; word-- > 0;) {
        uint64_t in_word = limit - word * 64;
        uint64_t bits = in_word < 64 ? map[word] & bits_mask(0, (unsigned)in_word) : map[word];
        if (bits != 0)
            return (int64_t)(word * 64 + bits_highest(bits));
    }
    return -1;
}

/* Setting up */

/* Bytes of each part of the metadata, in the order in which they lie there. */
struct layout {
    size_t ranges, slots, bitmap, spans;
    uint64_t gibs;
};

static struct layout layout_of(const struct frame_range *ranges, size_t count)
{
    struct layout layout = {0};
    uint64_t spans = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = span_index(ranges[i].start.number);
        uint64_t end = span_index(ranges[i].end.number - 1) + 1;
        spans += end - (first < layout.gibs ? layout.gibs : first);
        layout.gibs = end;
    }
    layout.ranges = count * sizeof(struct frame_range);
    layout.slots = bits_round_up(layout.gibs * sizeof(uint32_t), sizeof(uint64_t));
    layout.bitmap = (layout.gibs + 63) / 64 * sizeof(uint64_t);
    layout.spans = spans * sizeof(struct frame_span);
    return layout;
}

size_t frame_metadata_size(const struct frame_range *ranges, size_t count)
{
    struct layout layout = layout_of(ranges, count);
    return layout.ranges + layout.slots + 2 * layout.bitmap + layout.spans;
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

static void number_spans(struct frames *frames)
{
    uint32_t used = 0;
    for (uint64_t gib = 0; gib < frames->gibs; gib++)
        frames->slots[gib] = 0;
    for (size_t i = 0; i < frames->range_count; i++) {
        uint64_t last = span_index(frames->ranges[i].end.number - 1);
        for (uint64_t gib = span_index(frames->ranges[i].start.number); gib <= last; gib++)
            if (frames->slots[gib] == 0)
                frames->slots[gib] = ++used;
    }
}

void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                void *metadata)
{
    struct layout layout = layout_of(ranges, count);
    char *next = metadata;
    *frames = (struct frames){.gibs = layout.gibs};
    frames->ranges = (struct frame_range *)next;
    next += layout.ranges;
    frames->slots = (uint32_t *)next;
    next += layout.slots;
    frames->whole = (uint64_t *)next;
    next += layout.bitmap;
    frames->split = (uint64_t *)next;
    next += layout.bitmap;
    frames->spans = (struct frame_span *)next;

    copy_ranges(frames, ranges, count);
    number_spans(frames);
    for (uint64_t word = 0; word * 64 < frames->gibs; word++)
        frames->whole[word] = frames->split[word] = 0;
}

bool frame_is_managed(const struct frames *frames, uint64_t start, uint64_t count)
{
    size_t low = 0, high = frames->range_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (frames->ranges[middle].end.number <= start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < frames->range_count && frames->ranges[low].start.number <= start &&
           count <= frames->ranges[low].end.number - start;
}

/*
 * Entering and leaving. A node whose bit above says whole or neither is filled in on the way down
 * and its bit is set anew on the way up, so that code in between sees split nodes only.
 */

static struct frame_span *span_enter(struct frames *frames, uint64_t gib)
{
    struct frame_span *span = frame_span_of(frames, gib);
    if (bits_test(frames->split, gib))
        return span;
    bool whole = bits_test(frames->whole, gib);
    line_fill(span->whole, whole ? UINT64_MAX : 0);
    line_fill(span->split, 0);
    span->free_frames = whole ? SPAN_FRAMES : 0;
    return span;
}

/* `delta` frames were freed in the span, or taken if it is negative. */
static void span_leave(struct frames *frames, uint64_t gib, int64_t delta)
{
    struct frame_span *span = frame_span_of(frames, gib);
    span->free_frames += (uint64_t)delta;
    frames->free += (uint64_t)delta;
    bits_clear(frames->whole, gib);
    bits_clear(frames->split, gib);
    if (span->free_frames == SPAN_FRAMES)
        bits_set(frames->whole, gib);
    else if (span->free_frames != 0)
        bits_set(frames->split, gib);
}

static uint64_t *block_enter(struct frame_span *span, unsigned block)
{
    uint64_t *line = span->line[block];
    if (bits_test(span->split, block))
        return line;
    bool whole = bits_test(span->whole, block);
    line_fill(line, whole ? UINT64_MAX : 0);
    span->free_in[block] = whole ? BLOCK_FRAMES : 0;
    return line;
}

static void block_leave(struct frame_span *span, unsigned block, int delta)
{
    span->free_in[block] = (uint16_t)(span->free_in[block] + delta);
    bits_clear(span->whole, block);
    bits_clear(span->split, block);
    if (span->free_in[block] == BLOCK_FRAMES)
        bits_set(span->whole, block);
    else if (span->free_in[block] != 0)
        bits_set(span->split, block);
}

/* A whole GiB is one bit of the root; its span is not even looked at. */
static bool take_span(struct frames *frames, uint64_t gib)
{
    if (!bits_test(frames->whole, gib))
        return false;
    bits_clear(frames->whole, gib);
    frames->free -= SPAN_FRAMES;
    return true;
}

static bool put_span(struct frames *frames, uint64_t gib)
{
    if (bits_test(frames->whole, gib) || bits_test(frames->split, gib))
        return false;
    bits_set(frames->whole, gib);
    frames->free += SPAN_FRAMES;
    return true;
}

/*
 * Taking and putting one block of a known place. Each order is one bit, or an aligned run of bits,
 * at one level: 0 to 8 in a line, 9 to 17 in a span, 18 in the root.
 */

/* True iff every bit of the run was set; they are clear then. */
static bool take_run(uint64_t line[LINE_WORDS], unsigned first, unsigned k)
{
    if (!line_is_full(line, first, k))
        return false;
    line_take(line, first, k);
    return true;
}

/* True iff every bit of the run was clear; they are set then. */
static bool put_run(uint64_t line[LINE_WORDS], unsigned first, unsigned k)
{
    if (!line_is_clear(line, first, k))
        return false;
    line_put(line, first, k);
    return true;
}

/* True iff all frames of the block were free; they are taken then. */
static bool take(struct frames *frames, uint64_t frame, unsigned order)
{
    uint64_t gib = span_index(frame);
    unsigned block = block_index(frame);
    int64_t size = (int64_t)1 << order;
    if (order == SPAN_SHIFT)
        return take_span(frames, gib);

    bool taken;
    struct frame_span *span = span_enter(frames, gib);
    if (order >= BLOCK_SHIFT) {
        taken = take_run(span->whole, block, order - BLOCK_SHIFT);
    } else {
        uint64_t *line = block_enter(span, block);
        taken = take_run(line, frame_index(frame), order);
        block_leave(span, block, taken ? -(int)size : 0);
    }
    span_leave(frames, gib, taken ? -size : 0);
    return taken;
}

/* True iff no frame of the block was free; they all are then. */
static bool put(struct frames *frames, uint64_t frame, unsigned order)
{
    uint64_t gib = span_index(frame);
    unsigned block = block_index(frame);
    int64_t size = (int64_t)1 << order;
    if (order == SPAN_SHIFT)
        return put_span(frames, gib);

    bool done;
    struct frame_span *span = span_enter(frames, gib);
    if (order >= BLOCK_SHIFT) {
        done = line_is_clear(span->split, block, order - BLOCK_SHIFT) &&
               put_run(span->whole, block, order - BLOCK_SHIFT);
    } else {
        uint64_t *line = block_enter(span, block);
        done = put_run(line, frame_index(frame), order);
        block_leave(span, block, done ? (int)size : 0);
    }
    span_leave(frames, gib, done ? size : 0);
    return done;
}

/*
 * Finding. All searches go from high addresses to low and look into split nodes before they break a
 * whole one, but not below a floor while there is anything above it. `limit` is a frame number:
 * everything found ends at or below it.
 */

#define NOT_FOUND UINT64_MAX

/* A run of 2^order frames, order <= 8, in some split block of the span that starts at `base`. */
static uint64_t find_in_split_blocks(const struct frame_span *span, uint64_t base, unsigned order,
                                     uint64_t limit)
{
    uint64_t blocks = (below(limit, base, SPAN_FRAMES) + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
    for (int64_t block = highest_below(span->split, blocks); block >= 0;
         block = highest_below(span->split, (uint64_t)block)) {
        uint64_t start = base + (uint64_t)block * BLOCK_FRAMES;
        int first =
            line_find(span->line[block], order, (unsigned)below(limit, start, BLOCK_FRAMES));
        if (first >= 0)
            return start + (unsigned)first;
    }
    return NOT_FOUND;
}

/* The same in a whole block: its highest frames below the limit. */
static uint64_t find_in_whole_blocks(const struct frame_span *span, uint64_t base, unsigned order,
                                     uint64_t limit)
{
    uint64_t size = (uint64_t)1 << order;
    uint64_t blocks = (below(limit, base, SPAN_FRAMES) + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
    for (int64_t block = highest_below(span->whole, blocks); block >= 0;
         block = highest_below(span->whole, (uint64_t)block)) {
        uint64_t start = base + (uint64_t)block * BLOCK_FRAMES;
        uint64_t room = below(limit, start, BLOCK_FRAMES);
        if (room >= size)
            return start + bits_round_down(room - size, size);
    }
    return NOT_FOUND;
}

/* A run of 2^(order - 9) whole blocks. */
static uint64_t find_blocks(const struct frame_span *span, uint64_t base, unsigned order,
                            uint64_t limit)
{
    uint64_t blocks = below(limit, base, SPAN_FRAMES) / BLOCK_FRAMES;
    int first = line_find(span->whole, order - BLOCK_SHIFT, (unsigned)blocks);
    return first < 0 ? NOT_FOUND : base + (unsigned)first * BLOCK_FRAMES;
}

typedef uint64_t span_search(const struct frame_span *span, uint64_t base, unsigned order,
                             uint64_t limit);

/* The first find in the split spans. */
static uint64_t find_in_split_spans(const struct frames *frames, span_search *search,
                                    unsigned order, uint64_t limit)
{
    for (int64_t gib = highest_below(frames->split, (limit + SPAN_FRAMES - 1) >> SPAN_SHIFT);
         gib >= 0; gib = highest_below(frames->split, (uint64_t)gib)) {
        uint64_t found =
            search(frame_span_of(frames, (uint64_t)gib), (uint64_t)gib << SPAN_SHIFT, order, limit);
        if (found != NOT_FOUND)
            return found;
    }
    return NOT_FOUND;
}

/* The highest place in a whole span. */
static uint64_t find_in_whole_spans(const struct frames *frames, unsigned order, uint64_t limit)
{
    uint64_t size = (uint64_t)1 << order;
    for (int64_t gib = highest_below(frames->whole, (limit + SPAN_FRAMES - 1) >> SPAN_SHIFT);
         gib >= 0; gib = highest_below(frames->whole, (uint64_t)gib)) {
        uint64_t base = (uint64_t)gib << SPAN_SHIFT;
        uint64_t room = below(limit, base, SPAN_FRAMES);
        if (room >= size)
            return base + bits_round_down(room - size, size);
    }
    return NOT_FOUND;
}

/* The best place at or above `floor`. Each search gives its highest find: if that lies below the
 * floor, all do. */
static uint64_t find_above(const struct frames *frames, unsigned order, uint64_t floor,
                           uint64_t limit)
{
    static span_search *const small[] = {find_in_split_blocks, find_in_whole_blocks};
    static span_search *const large[] = {find_blocks};
    span_search *const *searches = order < BLOCK_SHIFT ? small : large;
    unsigned count = order < BLOCK_SHIFT ? 2 : order < SPAN_SHIFT ? 1 : 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t found = find_in_split_spans(frames, searches[i], order, limit);
        if (found != NOT_FOUND && found >= floor)
            return found;
    }
    uint64_t found = find_in_whole_spans(frames, order, limit);
    return found >= floor ? found : NOT_FOUND;
}

/* Some devices reach only so far: memory below 4 GiB, and below 16 MiB, is given to others only
 * when there is no other left. */
static const uint64_t floors[] = {4 * GIB >> PAGE_SHIFT, 16 * MIB >> PAGE_SHIFT, 0};

static uint64_t find(const struct frames *frames, unsigned order, uint64_t limit)
{
    uint64_t found = NOT_FOUND;
    for (unsigned i = 0; i < sizeof floors / sizeof floors[0] && found == NOT_FOUND; i++)
        found = find_above(frames, order, floors[i], limit);
    return found;
}

/* The interface */

static void check_order(const char *who, unsigned order)
{
    if (order > FRAME_ORDER_MAX)
        frame_port_panic("%s: there is no order %u, the largest is %u", who, order,
                         FRAME_ORDER_MAX);
}

static void check_place(const char *who, const struct frames *frames, frame_t frame, unsigned order)
{
    check_order(who, order);
    if (!bits_is_aligned(frame.number, (uint64_t)1 << order))
        frame_port_panic("%s: frame 0x%llx is not aligned to its order %u", who,
                         (unsigned long long)frame.number, order);
    if (!frame_is_managed(frames, frame.number, (uint64_t)1 << order))
        frame_port_panic("%s: frame 0x%llx, order %u, is not memory that is managed here", who,
                         (unsigned long long)frame.number, order);
}

static void put_or_panic(const char *who, struct frames *frames, uint64_t frame, unsigned order)
{
    if (!put(frames, frame, order))
        frame_port_panic("%s: frame 0x%llx, order %u, is free already, in part or as a whole", who,
                         (unsigned long long)frame, order);
}

void frame_add(struct frames *frames, frame_t start, frame_t end)
{
    uint64_t at = start.number;
    while (at < end.number) {
        unsigned order = bits_highest(end.number - at);
        if (at != 0 && bits_lowest(at) < order)
            order = bits_lowest(at);
        if (order > FRAME_ORDER_MAX)
            order = FRAME_ORDER_MAX;
        check_place("frame_add", frames, (frame_t){at}, order);
        put_or_panic("frame_add", frames, at, order);
        at += (uint64_t)1 << order;
        frames->total += (uint64_t)1 << order;
    }
}

frame_t frame_alloc(struct frames *frames, struct frame_request request)
{
    check_order("frame_alloc", request.order);
    if (request.flags & ~FRAME_ZERO)
        frame_port_panic("frame_alloc: there are no flags 0x%x", request.flags);

    uint64_t limit = frames->gibs << SPAN_SHIFT;
    if (request.below.number != 0)
        limit = bits_min(limit, request.below.number);
    uint64_t found = find(frames, request.order, limit);
    if (found == NOT_FOUND)
        return FRAME_NONE;
    take(frames, found, request.order);
    if (request.flags & FRAME_ZERO)
        frame_port_zero((frame_t){found}, request.order);
    return (frame_t){found};
}

bool frame_alloc_at(struct frames *frames, frame_t frame, unsigned order)
{
    check_place("frame_alloc_at", frames, frame, order);
    return take(frames, frame.number, order);
}

void frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    check_place("frame_free", frames, frame, order);
    put_or_panic("frame_free", frames, frame.number, order);
}

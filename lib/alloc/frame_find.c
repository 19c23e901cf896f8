/* SPDX-License-Identifier: MIT */
/*
 * The searches of the frame allocator: what is broken already before what is whole, the fullest
 * block first and the highest address first, within a window [start, end) of frames. What is found
 * is claimed; where another CPU was faster the search goes on.
 */
#include "lib/alloc/frame_tree.h"

/* Some devices reach only so far: memory below 4 GiB, and below 16 MiB, is given to others only
 * when there is no other left. */
static const uint64_t floors[] = {4 * GIB >> PAGE_SHIFT, 16 * MIB >> PAGE_SHIFT, 0};
#define FLOORS (sizeof floors / sizeof floors[0])

/* The part of the window above the floor; false if there is no memory in it. */
static bool clip(const struct frames *frames, uint64_t floor, struct frame_range *window)
{
    if (window->start.number < floor)
        window->start.number = floor;
    return window->start.number < window->end.number &&
           window->start.number >> SPAN_SHIFT < frames->gibs;
}

/* Bits [low, high) of a line. */
struct part {
    unsigned low, high;
};

/* The bits of 2^shift frames each, of the line whose first frame is `start`, that lie wholly in the
 * window. */
static struct part part_within(struct frame_range window, uint64_t start, unsigned shift)
{
    uint64_t first = start >> shift, round = ((uint64_t)1 << shift) - 1;
    return (struct part){
        word_clip((window.start.number + round) >> shift, first, LINE_BITS),
        word_clip(window.end.number >> shift, first, LINE_BITS),
    };
}

/* The blocks of the GiB that the window touches. */
static struct part part_touched(struct frame_range window, uint64_t gib)
{
    uint64_t first = gib << (SPAN_SHIFT - BLOCK_SHIFT);
    return (struct part){
        word_clip(window.start.number >> BLOCK_SHIFT, first, LINE_BITS),
        word_clip((window.end.number + BLOCK_FRAMES - 1) >> BLOCK_SHIFT, first, LINE_BITS),
    };
}

/* Is there room for an aligned run of 2^k bits? */
static bool part_fits(struct part part, unsigned k)
{
    unsigned size = 1u << k, high = part.high >> k << k;
    return high >= size && high - size >= part.low;
}

/* The highest set bit of the part, or -1. */
static int line_highest(const uint64_t line[LINE_WORDS], struct part part)
{
    for (unsigned word = (part.high + 63) / 64; word-- > part.low / 64;) {
        uint64_t bits = atomic_load(&line[word]) & line_window(word, part.low, part.high);
        if (bits != 0)
            return (int)(word * 64 + bits_highest(bits));
    }
    return -1;
}

/* Walking the GiBs that a map names, from high to low. */

static uint64_t first_limit(const struct frames *frames, struct frame_range window)
{
    uint64_t end = (window.end.number + SPAN_FRAMES - 1) >> SPAN_SHIFT;
    return end < frames->gibs ? end : frames->gibs;
}

/* Moves *gib to the next one below that the window touches; false at the end. */
static bool next_gib(struct frame_map *map, struct frame_range window, uint64_t *gib)
{
    int64_t next = map_highest(map, *gib);
    if (next < 0 || (uint64_t)next < window.start.number >> SPAN_SHIFT)
        return false;
    *gib = (uint64_t)next;
    return true;
}

/* The map says that the GiB's line has a bit set. If that is not so, it shall say so no more. */
static void forget_if_clear(struct frame_map *map, uint64_t gib, const uint64_t line[LINE_WORDS])
{
    const struct part all = {0, LINE_BITS};
    if (line_highest(line, all) >= 0)
        return;
    map_clear(map, gib);
    for (unsigned i = 0; i < LINE_WORDS; i++)
        if (atomic_recheck(&line[i]) != 0)
            map_set(map, gib);
}

/* Does something to a block that is listed under `class`, and returns a frame; NOT_FOUND: goes on
 * to the next one. */
typedef uint64_t try_block(struct frames *frames, struct block block, unsigned order,
                           struct frame_range window);

static uint64_t try_listed(struct frames *frames, int class, try_block *try, unsigned order,
                           struct frame_range window)
{
    struct frame_map *map = &frames->listed[class];
    for (uint64_t gib = first_limit(frames, window); next_gib(map, window, &gib);) {
        struct frame_span *span = frame_span_of(frames, gib);
        struct part part = part_touched(window, gib);
        int found;
        while ((found = line_highest(span->listed[class], part)) >= 0) {
            uint64_t base = gib << (SPAN_SHIFT - BLOCK_SHIFT);
            struct block block = {span, base + (unsigned)found};
            uint64_t frame = try(frames, block, order, window);
            if (frame != NOT_FOUND)
                return frame;
            if (desc_class(atomic_load(block_desc(block))) != class)
                block_unlist(frames, block, class);
            part.high = (unsigned)found;
        }
        forget_if_clear(map, gib, span->listed[class]);
    }
    return NOT_FOUND;
}

/* Tries the fullest blocks first, dregs last, and none that cannot have 2^order free frames. */
static uint64_t try_classes(struct frames *frames, try_block *try, unsigned order,
                            struct frame_range window)
{
    for (int class = 1 + (int)((1u << order) / 64); class < FRAME_CLASSES; class ++) {
        if (map_is_empty(&frames->listed[class]))
            continue;
        uint64_t frame = try_listed(frames, class, try, order, window);
        if (frame != NOT_FOUND)
            return frame;
    }
    if (1u << order >= CLASS_DREGS)
        return NOT_FOUND;
    return try_listed(frames, 0, try, order, window);
}

static uint64_t try_to_own(struct frames *frames, struct block block, unsigned order,
                           struct frame_range window)
{
    (void)order, (void)window;
    return block_own(frames, block) ? block_start(block) : NOT_FOUND;
}

uint64_t find_in_block(struct frames *frames, struct block block, unsigned order,
                       struct frame_range window)
{
    uint64_t start = block_start(block);
    struct part part = part_within(window, start, 0);
    int found = line_claim(block_line(block), order, part.low, part.high);
    if (found >= 0)
        block_subtract(frames, block, 1u << order);
    else if (order > 6)
        block_merge(frames, block);
    return found < 0 ? NOT_FOUND : start + (unsigned)found;
}

/* Whole blocks. These leave them claimed, and not put to use yet. */

/* A block of the open GiB in whose part of the window 2^order frames fit. */
static uint64_t claim_fitting_block(struct frame_span *span, uint64_t gib, unsigned order,
                                    struct frame_range window)
{
    struct part part = part_touched(window, gib);
    int found;
    while ((found = line_highest(span->whole, part)) >= 0) {
        uint64_t start = (gib << SPAN_SHIFT) + (unsigned)found * BLOCK_FRAMES;
        if (part_fits(part_within(window, start, 0), order) &&
            line_claim_at(span->whole, (unsigned)found, 0))
            return start;
        part.high = (unsigned)found;
    }
    return NOT_FOUND;
}

/* A run of 2^(order - 9) blocks of the open GiB. */
static uint64_t claim_blocks(struct frame_span *span, uint64_t gib, unsigned order,
                             struct frame_range window)
{
    uint64_t start = gib << SPAN_SHIFT;
    struct part part = part_within(window, start, BLOCK_SHIFT);
    int found = line_claim(span->whole, order - BLOCK_SHIFT, part.low, part.high);
    return found < 0 ? NOT_FOUND : start + (unsigned)found * BLOCK_FRAMES;
}

static uint64_t claim_in_span(struct frames *frames, uint64_t gib, unsigned order,
                              struct frame_range window)
{
    struct frame_span *span = frame_span_of(frames, gib);
    if (order < BLOCK_SHIFT)
        return claim_fitting_block(span, gib, order, window);
    uint64_t frame = claim_blocks(span, gib, order, window);
    if (frame == NOT_FOUND)
        span_merge(frames, block_of(frames, gib << SPAN_SHIFT));
    return frame;
}

/* One block for orders up to 9, else as many as the order has; of broken GiBs, then of whole ones.
 */
static uint64_t claim_whole(struct frames *frames, unsigned order, struct frame_range window)
{
    for (uint64_t gib = first_limit(frames, window); next_gib(&frames->blocks, window, &gib);) {
        uint64_t frame = claim_in_span(frames, gib, order, window);
        if (frame != NOT_FOUND)
            return frame;
        forget_if_clear(&frames->blocks, gib, frame_span_of(frames, gib)->whole);
    }
    for (uint64_t gib = first_limit(frames, window); next_gib(&frames->whole, window, &gib);) {
        struct part part = order < BLOCK_SHIFT
                               ? part_touched(window, gib)
                               : part_within(window, gib << SPAN_SHIFT, BLOCK_SHIFT);
        if (!part_fits(part, order < BLOCK_SHIFT ? 0 : order - BLOCK_SHIFT) ||
            !span_split(frames, gib))
            continue;
        uint64_t frame = claim_in_span(frames, gib, order, window);
        if (frame != NOT_FOUND)
            return frame;
    }
    return NOT_FOUND;
}

static uint64_t find_block_above(struct frames *frames, struct frame_range window)
{
    uint64_t frame = try_classes(frames, try_to_own, 0, window);
    if (frame != NOT_FOUND)
        return frame;
    frame = claim_whole(frames, 0, window);
    if (frame != NOT_FOUND)
        block_split(block_of(frames, frame));
    return frame;
}

uint64_t find_block(struct frames *frames)
{
    uint64_t found = NOT_FOUND;
    for (unsigned i = 0; i < FLOORS && found == NOT_FOUND; i++) {
        struct frame_range window = {{0}, {(uint64_t)1 << 52}};
        if (clip(frames, floors[i], &window))
            found = find_block_above(frames, window);
    }
    return found;
}

/* Puts claimed blocks to use as one. */
static uint64_t use_blocks(struct frames *frames, uint64_t frame, unsigned order)
{
    struct block block = block_of(frames, frame);
    uint64_t end = block.number + ((uint64_t)1 << (order - BLOCK_SHIFT));
    for (; block.number < end; block.number++)
        block_use(block);
    return frame;
}

/* The GiB's bit decides; it is the only one that is set for all of its frames. */
static bool claim_gib(struct frames *frames, uint64_t gib)
{
    if (!map_clear(&frames->whole, gib))
        return false;
    if (!frame_is_open(frames, gib))
        frame_open(frames, gib, false);
    use_blocks(frames, gib << SPAN_SHIFT, SPAN_SHIFT);
    return true;
}

static uint64_t find_gib(struct frames *frames, struct frame_range window)
{
    struct frame_range whole_gibs = {window.start, {window.end.number & ~(SPAN_FRAMES - 1)}};
    for (uint64_t gib = first_limit(frames, whole_gibs); next_gib(&frames->whole, window, &gib);)
        if (gib << SPAN_SHIFT >= window.start.number && claim_gib(frames, gib))
            return gib << SPAN_SHIFT;
    return NOT_FOUND;
}

static uint64_t find_run_above(struct frames *frames, unsigned order, struct frame_range window)
{
    if (order == SPAN_SHIFT)
        return find_gib(frames, window);
    if (order >= BLOCK_SHIFT) {
        uint64_t blocks = claim_whole(frames, order, window);
        return blocks == NOT_FOUND ? NOT_FOUND : use_blocks(frames, blocks, order);
    }
    uint64_t found = try_classes(frames, find_in_block, order, window);
    while (found == NOT_FOUND) {
        uint64_t start = claim_whole(frames, order, window);
        if (start == NOT_FOUND)
            break;
        struct block block = block_of(frames, start);
        block_split(block);
        found = find_in_block(frames, block, order, window);
        block_release(frames, block);
    }
    return found;
}

uint64_t find_run(struct frames *frames, unsigned order, struct frame_range window)
{
    uint64_t found = NOT_FOUND;
    for (unsigned i = 0; i < FLOORS && found == NOT_FOUND; i++) {
        struct frame_range part = window;
        if (clip(frames, floors[i], &part))
            found = find_run_above(frames, order, part);
    }
    return found;
}

uint64_t find_in_owned(struct frames *frames, unsigned order, struct frame_range window)
{
    for (unsigned i = 0; i < frames->cpus; i++) {
        uint64_t owned = atomic_peek(&frames->cpu[i].owned);
        if (owned == NOT_FOUND)
            continue;
        uint64_t found = find_in_block(frames, block_of(frames, owned), order, window);
        if (found != NOT_FOUND)
            return found;
    }
    return NOT_FOUND;
}

/* Exact places */

static bool find_frames_at(struct frames *frames, struct block block, unsigned first,
                           unsigned order)
{
    if (line_claim_at(block.span->whole, block.number % SPAN_BLOCKS, 0)) {
        block_split(block);
        bool found = line_claim_at(block_line(block), first, order);
        if (found)
            block_subtract(frames, block, 1u << order);
        block_release(frames, block);
        return found;
    }
    if ((atomic_load(block_desc(block)) & DESC_RAW) != 0)
        return false;
    if (line_claim_at(block_line(block), first, order)) {
        block_subtract(frames, block, 1u << order);
        return true;
    }
    block_merge(frames, block);
    return false;
}

bool find_at(struct frames *frames, uint64_t frame, unsigned order)
{
    uint64_t gib = frame >> SPAN_SHIFT;
    if (order == SPAN_SHIFT)
        return claim_gib(frames, gib);
    span_split(frames, gib);
    if (!frame_is_open(frames, gib))
        return false;
    struct block block = block_of(frames, frame);
    if (order < BLOCK_SHIFT)
        return find_frames_at(frames, block, frame % BLOCK_FRAMES, order);
    if (line_claim_at(block.span->whole, block.number % SPAN_BLOCKS, order - BLOCK_SHIFT)) {
        use_blocks(frames, frame, order);
        return true;
    }
    span_merge(frames, block);
    return false;
}

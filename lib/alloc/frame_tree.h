/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator's metadata, shared by frame*.c: a radix tree of bitmaps, shaped like the page
 * tables, and read and changed by any number of CPUs at once without a lock.
 *
 *   root      bit per GiB      whole: all of it is free
 *   span      bit per 2 MiB    whole: all of it is free; a descriptor; listings
 *   line      bit per frame    set: free
 *
 * These bits are the truth: whoever clears one owns what it stands for, and no frame is free twice,
 * at two levels. All else is a hint, or a count that follows the bits:
 *
 *   count of a block == its bits + what was taken but not subtracted yet
 *                                - what was put back but not added yet
 *
 * because bits are taken before they are subtracted and put back before they are added. A CPU that
 * is between the two holds at most 64 frames of a block. So whoever adds and comes to 512 has seen
 * the block become free as a whole, and merges it.
 *
 * A block that has free frames and no owner is listed under the class of its count, in its span and
 * at the root; or somebody is about to list it. A listing may be stale: whoever follows it looks at
 * the descriptor.
 *
 * While a GiB is whole its span means nothing, and while a block has never been used its line means
 * nothing: a terabyte is made free by setting a thousand bits.
 */
#pragma once

#include "lib/alloc/frame.h"
#include "lib/alloc/frame_line.h"

#define BLOCK_SHIFT  LINE_SHIFT /* a block: 512 frames, 2 MiB */
#define BLOCK_FRAMES ((uint64_t)1 << BLOCK_SHIFT)
#define SPAN_SHIFT   (2 * LINE_SHIFT) /* a span: 512 blocks, 1 GiB */
#define SPAN_FRAMES  ((uint64_t)1 << SPAN_SHIFT)
#define SPAN_BLOCKS  LINE_BITS
#define NOT_FOUND    UINT64_MAX /* no frame, no word, no block */

_Static_assert(SPAN_SHIFT == FRAME_ORDER_MAX, "the largest block is one bit of the root");

/* Descriptors: the count of free frames, and what else there is to know about a block. The count is
 * biased, for it falls below zero while frames that were put back, and not added yet, are taken
 * again: by 64 for each CPU that is that far at the same moment. */
#define DESC_COUNT 0x0fff
#define DESC_BIAS  0x0800
#define DESC_OWNED                                                                                 \
    0x1000                 /* a CPU takes its words: others leave it alone while they can. A hint: \
                              whoever frees a good part of the block ends it. */
#define DESC_WHOLE  0x2000 /* free as a whole: its bit, or its GiB's, is set; the line is clear */
#define DESC_RAW    0x4000 /* never used: the line means nothing */
#define DESC_RAGGED 0x8000 /* not all of it is managed */

#define DESC(count) ((uint16_t)(DESC_BIAS + (count)))

static inline int desc_count(uint16_t desc)
{
    return (int)(desc & DESC_COUNT) - DESC_BIAS;
}

/* Class 0, "dregs": 1 to 15 free frames; class k: up to 64 * k - 1. */
#define CLASS_DREGS 16
#define CLASS_NONE  (-1)

static inline int class_of(int count)
{
    if (count <= 0 || count >= (int)BLOCK_FRAMES)
        return CLASS_NONE;
    return count < CLASS_DREGS ? 0 : 1 + count / 64;
}

/* The class under which a block of this descriptor must be listed. */
static inline int desc_class(uint16_t desc)
{
    if ((desc & (DESC_OWNED | DESC_WHOLE | DESC_RAW)) != 0)
        return CLASS_NONE;
    return class_of(desc_count(desc));
}

struct frame_span {
    uint64_t whole[LINE_WORDS];
    uint64_t listed[FRAME_CLASSES][LINE_WORDS];
    uint16_t desc[SPAN_BLOCKS];
    uint64_t line[SPAN_BLOCKS][LINE_WORDS];
};

/* A block and where it is described. */
struct block {
    struct frame_span *span;
    uint64_t number; /* of its first frame, / 512 */
};

static inline uint16_t *block_desc(struct block block)
{
    return &block.span->desc[block.number % SPAN_BLOCKS];
}

static inline uint64_t *block_line(struct block block)
{
    return block.span->line[block.number % SPAN_BLOCKS];
}

static inline uint64_t block_gib(struct block block)
{
    return block.number >> (SPAN_SHIFT - BLOCK_SHIFT);
}

/* The span of an open GiB. */
static inline struct frame_span *frame_span_of(const struct frames *frames, uint64_t gib)
{
    return &frames->spans[frames->slots[gib]];
}

static inline struct block block_of(const struct frames *frames, uint64_t frame)
{
    return (struct block){frame_span_of(frames, frame >> SPAN_SHIFT), frame >> BLOCK_SHIFT};
}

static inline uint64_t block_start(struct block block)
{
    return block.number << BLOCK_SHIFT;
}

/* Has the span of this GiB been written to, ever? Then its slot is valid. */
static inline bool frame_is_open(const struct frames *frames, uint64_t gib)
{
    return gib < frames->gibs && ((atomic_load(&frames->open[gib / 64]) >> (gib % 64)) & 1) != 0;
}

/* frame_setup.c */

/* True iff every frame of [start, start + count) is managed. */
bool frame_is_managed(const struct frames *frames, uint64_t start, uint64_t count);

/* Writes the span of a GiB for the first time. The caller owns the GiB, which is free as a whole if
 * `whole`, else in use. */
struct frame_span *frame_open(struct frames *frames, uint64_t gib, bool whole);

/* frame_debug.c: a byte for each frame: 1 + the order of the block that starts there, or 0. */
size_t frame_debug_size(size_t spans);
void frame_debug_open(struct frames *frames, uint32_t slot);
void frame_debug_alloc(struct frames *frames, uint64_t frame, unsigned order);
void frame_debug_free(struct frames *frames, uint64_t frame, unsigned order);
void frame_debug_split(struct frames *frames, uint64_t block, unsigned order, uint64_t part,
                       unsigned part_order);

/* frame_block.c: what any number of CPUs do to blocks at once. */

/* The count of a block was `old` and is now more or less by what the caller put into the line or
 * took out of it: lists the block where it belongs, and merges it. Nothing to do while it stays in
 * its class. */
void block_added(struct frames *frames, struct block block, uint16_t old, unsigned count);
void block_subtracted(struct frames *frames, struct block block, uint16_t old, unsigned count);

/* Cheaper than class_of(), and may say no where that says yes. */
static inline bool desc_same_class(uint16_t less, uint16_t more)
{
    return (uint16_t)(less ^ more) < 64 && (less & DESC_COUNT) >= DESC_BIAS + CLASS_DREGS;
}

static inline void block_add(struct frames *frames, struct block block, unsigned count)
{
    uint16_t old = atomic_add(block_desc(block), (uint16_t)count);
    if (!desc_same_class(old, (uint16_t)(old + count)))
        block_added(frames, block, old, count);
}

static inline void block_subtract(struct frames *frames, struct block block, unsigned count)
{
    uint16_t old = atomic_sub(block_desc(block), (uint16_t)count);
    if ((old & DESC_OWNED) == 0 && !desc_same_class((uint16_t)(old - count), old))
        block_subtracted(frames, block, old, count);
}

/* Makes a block with free frames the caller's, if it has no owner; and gives it up again. */
bool block_own(struct frames *frames, struct block block);
void block_release(struct frames *frames, struct block block);

/* Ends the listing of the block under a class, unless it is right. */
void block_unlist(struct frames *frames, struct block block, int class);

/* Merges the block, if all of it is free and nobody owns it. */
void block_merge(struct frames *frames, struct block block);

/* The caller claimed the whole block. Makes it one of no free frames, or one of 512 that the caller
 * owns. */
static inline void block_use(struct block block)
{
    uint16_t desc = atomic_peek(block_desc(block));
    if ((desc & DESC_RAW) != 0)
        line_fill(block_line(block), 0);
    atomic_store(block_desc(block), DESC(0));
}

void block_split(struct block block);

/* The caller owns the blocks of the run of 2^k, k <= 8: makes them free as whole blocks. False and
 * nothing done if one of them is free already, in part or as a whole. */
bool block_put(struct frames *frames, struct block first, unsigned k);

/* Merges the span, if all of its blocks are free. */
void span_merge(struct frames *frames, struct block block);

/* Blocks have become whole: sees to the hint and to merging. */
void span_settle(struct frames *frames, struct block block);

/* Sets the bits of whole blocks, whose descriptors say so, in one word of the span. */
static inline void span_put_word(struct frames *frames, struct block block, uint64_t bits)
{
    uint64_t *word = &block.span->whole[block.number % SPAN_BLOCKS / 64];
    atomic_or(word, bits);
    if (!map_test(&frames->blocks, block_gib(block)) || atomic_recheck(word) == UINT64_MAX)
        span_settle(frames, block);
}

/* Makes 512 whole blocks of a whole GiB. False if it was not whole. */
bool span_split(struct frames *frames, uint64_t gib);

/* frame_find.c: claims something of the kind within a window, or returns NOT_FOUND. */

/* A block with free frames, whose owner the caller becomes. */
uint64_t find_block(struct frames *frames);

/* A run of 2^order frames, order <= 8, of the block. */
uint64_t find_in_block(struct frames *frames, struct block block, unsigned order,
                       struct frame_range window);

/* A run of 2^order frames. */
uint64_t find_run(struct frames *frames, unsigned order, struct frame_range window);

/* A run of 2^order frames, order <= 8, or with it a whole word, in a block that a CPU owns. */
uint64_t find_in_owned(struct frames *frames, unsigned order, struct frame_range window);

/* The run of 2^order frames at `frame`. False if any of it is not free. */
bool find_at(struct frames *frames, uint64_t frame, unsigned order);

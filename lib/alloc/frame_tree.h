/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator's metadata, shared by frame*.c: a radix tree of bitmaps, shaped like the page
 * tables, and read and changed by any number of CPUs at once without a lock.
 *
 *   list of GiBs       bit per GiB    set: all of it is free
 *   list of blocks     bit per 2 MiB  set: all of it is free
 *   line of a block    bit per 4 KiB  set: this frame is free
 *
 * These bits are the truth: whoever clears one owns what it stands for, and no frame is free twice,
 * at two levels. All else is a hint, or a count that follows the bits:
 *
 *   count of a block == its bits + what was taken but not subtracted yet
 *                                - what was put back but not added yet
 *
 * because bits are taken before they are subtracted and put back before they are added. So whoever
 * adds and comes to 512 has seen the block become free as a whole, and merges it. A CPU that is
 * between the two holds at most 64 frames of a block.
 *
 * A block that has free frames and no owner is in the list of its count; or somebody is about to
 * list it. A listing may be stale: whoever follows it looks at the descriptor. A list of such
 * blocks counts at least those that it has: where the count is 0 no search need look.
 *
 * While a GiB is whole its span means nothing, and while a block has never been used its line means
 * nothing: a terabyte is made free by setting a thousand bits.
 *
 * Who may take how many frames is counted apart from where they are:
 *
 *   free frames == pool + credit of each CPU + frames at hand of each CPU
 *
 * A CPU pays for what it takes out of the tree with its credit, which it draws from the pool.
 */
#pragma once

#include "lib/alloc/frame.h"
#include "lib/alloc/frame_line.h"

#define BLOCK_SHIFT  LINE_SHIFT /* a block: 512 frames, 2 MiB */
#define BLOCK_FRAMES ((uint64_t)1 << BLOCK_SHIFT)
#define SPAN_SHIFT   (2 * LINE_SHIFT) /* a span: 512 blocks, 1 GiB */
#define SPAN_FRAMES  ((uint64_t)1 << SPAN_SHIFT)
#define SPAN_BLOCKS  LINE_BITS
#define FRAME_END    ((uint64_t)1 << (4 * LINE_SHIFT)) /* 256 TiB: what the lists reach */
#define NOT_FOUND    UINT64_MAX                        /* no frame, no word, no block */

_Static_assert(SPAN_SHIFT == FRAME_ORDER_MAX, "the largest block is one bit of a list");

/* Descriptors: the count of free frames, signed and modulo 2^12, for it falls below zero while
 * frames that were put back, and not added yet, are taken again; and flags below it. */
#define DESC_OWNED  1 /* a CPU takes its words: others leave it alone while they can. A hint */
#define DESC_RAW    2 /* never used: the line means nothing */
#define DESC_RAGGED 4 /* not all of it is managed */
#define DESC_WHOLE  8 /* free as a whole: its bit, or its GiB's, is set; the line is clear */
#define DESC_FRAME  16
#define DESC_ODD    (DESC_RAW | DESC_RAGGED | DESC_WHOLE)
#define DESC(count) ((uint16_t)((count)*DESC_FRAME))

static inline int desc_count(uint16_t desc)
{
    return (int16_t)desc >> 4;
}

/* The lists, in the order in which they are searched: the fullest blocks first, those with hardly
 * anything last ("dregs": taking from them costs more than it compacts), then what is whole. */
#define LIST_DREGS  6 /* below DREGS_END free frames; list k < 6: DREGS_END << k or more */
#define LIST_BLOCKS 7
#define LIST_GIBS   8
#define LIST_SPANS  9
#define LIST_NONE   FRAME_LISTS
#define DREGS_SHIFT 3
#define DREGS_END   (1 << DREGS_SHIFT)

/* The list in which a block of this descriptor must be. */
static inline unsigned desc_list(uint16_t desc)
{
    int count = desc_count(desc);
    if ((desc & (DESC_OWNED | DESC_RAW | DESC_WHOLE)) != 0 || count <= 0 ||
        count >= (int)BLOCK_FRAMES)
        return LIST_NONE;
    return count < DREGS_END ? LIST_DREGS : bits_highest((unsigned)count) - DREGS_SHIFT;
}

struct frame_span {
    uint16_t desc[SPAN_BLOCKS];
    uint64_t list[LIST_GIBS][LINE_WORDS]; /* bit per block */
    uint64_t line[SPAN_BLOCKS][LINE_WORDS];
};

/* Blocks are told by number, that of their first frame / 512. Their GiB must have a span. */
static inline struct frame_span *span_of(const struct frames *frames, uint64_t block)
{
    return frames->span[block / SPAN_BLOCKS];
}

static inline uint16_t *block_desc(const struct frames *frames, uint64_t block)
{
    return &span_of(frames, block)->desc[block % SPAN_BLOCKS];
}

static inline uint64_t *block_line(const struct frames *frames, uint64_t block)
{
    return span_of(frames, block)->line[block % SPAN_BLOCKS];
}

/* The span of this GiB, or NULL if it has never been written. */
static inline struct frame_span *open_span(const struct frames *frames, uint64_t gib)
{
    return gib < frames->gibs ? atomic_load(&frames->span[gib]) : NULL;
}

/* frame_setup.c */

/* True iff every frame of [start, start + count) is managed. */
bool frame_is_managed(const struct frames *frames, uint64_t start, uint64_t count);

/* Writes the span of a GiB for the first time. The caller owns the GiB; its descriptors become
 * DESC_RAW and `state`: 0 or DESC_WHOLE. */
void span_open(struct frames *frames, uint64_t gib, uint16_t state);

/* frame_list.c: sets of blocks, or of GiBs, with hints above them: level 0 has a bit for each
 * block, level 1 for each GiB that may have such a block, level 2 for each 512 GiB. The list of
 * GiBs begins at level 1, and so does LIST_SPANS: GiBs that have a span. */

uint64_t *list_word(const struct frames *frames, unsigned list, unsigned level, uint64_t bit);

static inline bool list_has(const struct frames *frames, unsigned list, unsigned level,
                            uint64_t bit)
{
    return (atomic_recheck(list_word(frames, list, level, bit)) >> (bit % 64)) & 1;
}

/* Sets the bit and the hints above it, unless they are set. True if the bit was clear. */
bool list_put(struct frames *frames, unsigned list, unsigned level, uint64_t bit);

/* Clears the bit; returns what it was. */
bool list_take(struct frames *frames, unsigned list, unsigned level, uint64_t bit);

/* The highest bit below `limit`, or NOT_FOUND. */
uint64_t list_highest(struct frames *frames, unsigned list, unsigned level, uint64_t limit);

/* frame_block.c: what any number of CPUs do to blocks at once. Nothing here waits for anybody. */

/* The descriptor of a block that nobody owns was `old` and is `new`: lists the block where it
 * belongs now. */
void block_relist(struct frames *frames, uint64_t block, uint16_t old, uint16_t new);

/* The count of a block was `old` and is more by what the caller put into the line: lists the block,
 * or merges it. Nothing to do while it stays in its list. */
void block_added(struct frames *frames, uint64_t block, uint16_t old, unsigned count);

/* Cheaper than desc_list(), and may say no where that says yes. */
static inline bool desc_same_list(uint16_t less, uint16_t more)
{
    return (less ^ more) < less && (int16_t)less >= DESC(DREGS_END);
}

static inline void block_subtract(struct frames *frames, uint64_t block, unsigned count)
{
    uint16_t old = atomic_sub(block_desc(frames, block), DESC(count));
    uint16_t new = (uint16_t)(old - DESC(count));
    if ((old & DESC_OWNED) == 0 && !desc_same_list(new, old))
        block_relist(frames, block, old, new);
}

/* Makes a block with free frames the caller's, if it has no owner; and gives it up again. */
bool block_own(struct frames *frames, uint64_t block);
void block_release(struct frames *frames, uint64_t block);

/* Ends the listing of the block, unless it is right. */
void block_unlist(struct frames *frames, uint64_t block, unsigned list);

/* Merges the block, if all of it is free and nobody owns it. */
void block_merge(struct frames *frames, uint64_t block);

/* The caller claimed the whole block. Makes it one of no free frames, or of 512 and the caller the
 * owner. */
static inline void block_use(struct frame_span *span, uint64_t index)
{
    if ((atomic_peek(&span->desc[index]) & DESC_RAW) != 0)
        line_fill(span->line[index], 0);
    atomic_store(&span->desc[index], DESC(0));
}

void block_split(struct frames *frames, uint64_t block);

/* Puts back `count` frames of one word of a block in use. False if one of them is free already, and
 * nothing has changed then. */
static inline bool frames_put_word(struct frames *frames, uint64_t word, uint64_t bits,
                                   unsigned count)
{
    uint64_t block = word / LINE_WORDS;
    struct frame_span *span = span_of(frames, block);
    uint64_t *words = (uint64_t *)span->line;
    if (!line_put_in_word(&words[word % ((uint64_t)SPAN_BLOCKS * LINE_WORDS)], bits))
        return false;
    uint16_t old = atomic_add(&span->desc[block % SPAN_BLOCKS], DESC(count));
    if (!desc_same_list(old, (uint16_t)(old + DESC(count))))
        block_added(frames, block, old, count);
    return true;
}

/* The same for frames [start, start + count) of one block, unless it is not in use. */
bool frames_put(struct frames *frames, uint64_t start, unsigned count);

/* Blocks of this GiB have become whole: sees to the hint and to merging. */
void blocks_settle(struct frames *frames, uint64_t gib);

/* Sets bits of one word of whole blocks, whose descriptors say so. */
static inline void blocks_put_word(struct frames *frames, uint64_t block, uint64_t bits)
{
    uint64_t *word = &span_of(frames, block)->list[LIST_BLOCKS][block % SPAN_BLOCKS / 64];
    uint64_t old = atomic_add(word, bits); /* they are clear */
    if (old == 0 || old + bits == UINT64_MAX)
        blocks_settle(frames, block / SPAN_BLOCKS);
}

/* Frees whole blocks of one GiB, which belong to the caller, if all their descriptors are `used`;
 * false and nothing done if not. */
bool blocks_put(struct frames *frames, uint64_t first, unsigned count, uint16_t used);

/* Merges the GiB, if all of its blocks are free. */
void gib_merge(struct frames *frames, uint64_t gib);

/* Makes 512 whole blocks of a whole GiB. False if it was not whole. */
bool gib_split(struct frames *frames, uint64_t gib);

/* frame_find.c */

/* A run of 2^order frames in [start, end); or, if `own`, the first frame of a block that has free
 * frames, and whose owner the caller becomes. */
struct want {
    uint64_t start, end;
    uint8_t order;
    bool own;
};

/* What is wanted, claimed, from the nearest memory to `node` (1 + its number, 0: none) that has it;
 * or NOT_FOUND. */
uint64_t find(struct frames *frames, struct want want, unsigned node);

/* A run of frames of this block, order <= 8; and of any block that a CPU owns. */
uint64_t find_in_block(struct frames *frames, uint64_t block, struct want want);
uint64_t find_in_owned(struct frames *frames, struct want want);

/* frame.c */

/* Pays for what is wanted, and finds it. */
uint64_t frame_take(struct frames *frames, struct want want, unsigned flags, unsigned node);

/* Is paid for frames that go back to the tree, and shares with other CPUs what is too much. */
void frame_earn(struct frames *frames, uint64_t count);

/* frame_misuse.c: panic if there is something to panic about. */
void frame_check_place(const struct frames *frames, const char *who, uint64_t frame,
                       unsigned order);
void frame_check_request(const struct frames *frames, struct frame_request request);
_Noreturn void frame_misuse(const struct frames *frames, const char *who, uint64_t frame,
                            unsigned order);

/* frame_debug.c: a byte for each frame: 1 + the order of the block that starts there, or 0. */
size_t frame_debug_size(uint64_t spans);
void frame_debug_open(struct frames *frames, uint64_t gib);
void frame_debug_alloc(struct frames *frames, uint64_t frame, unsigned order);
void frame_debug_free(struct frames *frames, uint64_t frame, unsigned order);
void frame_debug_split(struct frames *frames, uint64_t block, unsigned order, uint64_t part,
                       unsigned part_order);

/* SPDX-License-Identifier: MIT */
/*
 * What CPUs do to the blocks of the frame allocator at once: counting, listing, owning, merging and
 * splitting. frame_tree.h says what holds meanwhile. Nothing here waits for anybody.
 */
#include "lib/alloc/frame_tree.h"

/* Listings. The bit in the span comes before the hint at the root, and after the count. */

static void block_list(struct frames *frames, struct block block, int class)
{
    uint64_t *word = &block.span->listed[class][block.number % SPAN_BLOCKS / 64];
    uint64_t one = (uint64_t)1 << (block.number % 64);
    if ((atomic_recheck(word) & one) == 0)
        atomic_or(word, one);
    map_set(&frames->listed[class], block_gib(block));
}

/* Somebody may have listed the block again between the change that made us come here and now; so
 * the descriptor is read again after the bit is cleared, or that listing would be lost. */
void block_unlist(struct frames *frames, struct block block, int class)
{
    uint64_t *word = &block.span->listed[class][block.number % SPAN_BLOCKS / 64];
    atomic_and(word, ~((uint64_t)1 << (block.number % 64)));
    if (desc_class(atomic_recheck(block_desc(block))) == class)
        block_list(frames, block, class);
}

static void block_relist(struct frames *frames, struct block block, int from, int to)
{
    if (from == to)
        return;
    if (to != CLASS_NONE)
        block_list(frames, block, to);
    if (from != CLASS_NONE)
        block_unlist(frames, block, from);
}

/* Counting */

/* An owner whose block others free faster than it takes is none that keeps memory together. */
void block_added(struct frames *frames, struct block block, uint16_t old, unsigned count)
{
    int before = desc_count(old), after = before + (int)count;
    if ((old & DESC_OWNED) == 0)
        block_relist(frames, block, class_of(before), class_of(after));
    else if (before / 64 != after / 64 && frames->cpu[frame_home_cpu()].owned != block_start(block))
        block_release(frames, block);
    if (after == (int)BLOCK_FRAMES)
        block_merge(frames, block);
}

void block_subtracted(struct frames *frames, struct block block, uint16_t old, unsigned count)
{
    int before = desc_count(old);
    block_relist(frames, block, class_of(before), class_of(before - (int)count));
}

/* Owning */

bool block_own(struct frames *frames, struct block block)
{
    uint16_t desc = atomic_load(block_desc(block));
    do {
        if (desc_class(desc) == CLASS_NONE)
            return false;
    } while (!atomic_cas(block_desc(block), &desc, desc | DESC_OWNED));
    block_unlist(frames, block, desc_class(desc));
    return true;
}

/* Ends the ownership; true if the block is then to be merged. */
static bool disown(struct frames *frames, struct block block)
{
    uint16_t old = atomic_and(block_desc(block), (uint16_t)~DESC_OWNED);
    block_relist(frames, block, CLASS_NONE, class_of(desc_count(old)));
    return desc_count(old) == (int)BLOCK_FRAMES;
}

void block_release(struct frames *frames, struct block block)
{
    if (disown(frames, block))
        block_merge(frames, block);
}

/*
 * A count of 512 and a line that is not full: somebody has taken frames and will subtract them, and
 * the one who brings the last of them back merges. Who finds the line full may merge; so it is
 * looked at again after each attempt that failed because of frames taken for a moment.
 */
void block_merge(struct frames *frames, struct block block)
{
    uint16_t *desc = block_desc(block);
    while (atomic_recheck(desc) == DESC(BLOCK_FRAMES) && line_is_full(block_line(block))) {
        uint16_t full = DESC(BLOCK_FRAMES);
        if (!atomic_cas(desc, &full, full | DESC_OWNED))
            return;
        if (line_claim_words(block_line(block), 0, LINE_WORDS)) {
            atomic_store(desc, DESC(0) | DESC_WHOLE);
            span_put_word(frames, block, (uint64_t)1 << (block.number % 64));
            return;
        }
        disown(frames, block);
    }
}

/* Whole blocks */

/* The count comes first: whoever comes by takes bits, and subtracts them from it. */
void block_split(struct block block)
{
    block_use(block);
    atomic_store(block_desc(block), DESC(BLOCK_FRAMES) | DESC_OWNED);
    line_fill(block_line(block), UINT64_MAX);
}

bool block_put(struct frames *frames, struct block first, unsigned k)
{
    struct block block = first, end = {first.span, first.number + (1u << k)};
    for (; block.number < end.number; block.number++)
        if (atomic_load(block_desc(block)) != DESC(0))
            return false;
    for (block = first; block.number < end.number; block.number++)
        atomic_store(block_desc(block), DESC(0) | DESC_WHOLE);
    unsigned step = k < 6 ? 1u << k : 64;
    for (block = first; block.number < end.number; block.number += step)
        span_put_word(frames, block, word_run(block.number % 64, k < 6 ? k : 6));
    return true;
}

void span_merge(struct frames *frames, struct block block)
{
    while (line_is_full(block.span->whole))
        if (line_claim_words(block.span->whole, 0, LINE_WORDS)) {
            map_set(&frames->whole, block_gib(block));
            return;
        }
}

void span_settle(struct frames *frames, struct block block)
{
    map_set(&frames->blocks, block_gib(block));
    span_merge(frames, block);
}

bool span_split(struct frames *frames, uint64_t gib)
{
    if (!map_clear(&frames->whole, gib))
        return false;
    struct frame_span *span =
        frame_is_open(frames, gib) ? frame_span_of(frames, gib) : frame_open(frames, gib, true);
    line_fill(span->whole, UINT64_MAX);
    map_set(&frames->blocks, gib);
    return true;
}

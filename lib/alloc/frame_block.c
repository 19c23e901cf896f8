/* SPDX-License-Identifier: MIT */
/*
 * What CPUs do to the blocks of the frame allocator at once: counting, listing, owning, merging and
 * splitting. frame_tree.h says what holds meanwhile.
 */
#include "lib/alloc/frame_tree.h"

#define DESC_COUNT ((uint16_t) ~(DESC_FRAME - 1))

/* Listing. The bits come after the count. */

/* A list counts its blocks before it has them: where it counts none, there are none. */
static void list_block(struct frames *frames, unsigned list, uint64_t block)
{
    atomic_add(&frames->listed[list], 1);
    if (!list_put(frames, list, 0, block))
        atomic_sub(&frames->listed[list], 1);
}

/* Somebody may have listed the block again between the change that made us come here and now; so
 * the descriptor is read again after the bit is cleared, or that listing would be lost. */
void block_unlist(struct frames *frames, uint64_t block, unsigned list)
{
    if (list_take(frames, list, 0, block))
        atomic_sub(&frames->listed[list], 1);
    if (desc_list(atomic_recheck(block_desc(frames, block))) == list)
        list_block(frames, list, block);
}

void block_relist(struct frames *frames, uint64_t block, uint16_t old, uint16_t new)
{
    unsigned from = desc_list(old), to = desc_list(new);
    if (from == to)
        return;
    if (to != LIST_NONE)
        list_block(frames, to, block);
    if (from != LIST_NONE)
        block_unlist(frames, block, from);
}

/* Counting */

/* An owner whose block others free faster than it takes is none that keeps memory together. */
void block_added(struct frames *frames, uint64_t block, uint16_t old, unsigned count)
{
    const struct frame_cpu *cpu = &frames->cpu[frame_home_cpu()];
    uint16_t new = (uint16_t)(old + DESC(count));
    if ((old & DESC_OWNED) == 0)
        block_relist(frames, block, old, new);
    else if ((old ^ new) >= DESC(64) && cpu->owned != block && cpu->runs != block)
        block_release(frames, block);
    if (desc_count(new) == (int)BLOCK_FRAMES)
        block_merge(frames, block);
    frame_earn(frames, 0);
}

bool frames_put(struct frames *frames, uint64_t start, unsigned count)
{
    uint64_t block = start >> BLOCK_SHIFT;
    const uint64_t *line = block_line(frames, block);
    unsigned low = start % BLOCK_FRAMES, high = low + count;
    if ((atomic_load(block_desc(frames, block)) & (DESC_RAW | DESC_WHOLE)) != 0)
        return false;
    for (unsigned word = low / 64; word * 64 < high; word++)
        if ((atomic_load(&line[word]) & line_window(word, low, high)) != 0)
            return false;
    for (unsigned word = low / 64; word * 64 < high; word++) {
        uint64_t bits = line_window(word, low, high);
        if (!frames_put_word(frames, block * LINE_WORDS + word, bits, bits_count(bits)))
            return false;
    }
    return true;
}

/* Owning */

bool block_own(struct frames *frames, uint64_t block)
{
    uint16_t *at = block_desc(frames, block), desc = atomic_load(at);
    do {
        if (desc_list(desc) == LIST_NONE)
            return false;
    } while (!atomic_cas(at, &desc, desc | DESC_OWNED));
    block_unlist(frames, block, desc_list(desc));
    return true;
}

static void disown(struct frames *frames, uint64_t block)
{
    uint16_t old = atomic_and(block_desc(frames, block), (uint16_t)~DESC_OWNED);
    block_relist(frames, block, DESC(0), old & DESC_COUNT);
}

void block_release(struct frames *frames, uint64_t block)
{
    disown(frames, block);
    block_merge(frames, block);
}

void gib_merge(struct frames *frames, uint64_t gib)
{
    uint64_t *line = frames->span[gib]->list[LIST_BLOCKS];
    while (line_is(line, UINT64_MAX))
        if (line_claim_words(line, 0, LINE_WORDS)) {
            list_put(frames, LIST_GIBS, 1, gib);
            return;
        }
}

void blocks_settle(struct frames *frames, uint64_t gib)
{
    list_put(frames, LIST_BLOCKS, 1, gib);
    gib_merge(frames, gib);
}

/*
 * A count of 512 and a line that is not full: somebody has taken frames and will subtract them, and
 * the one who brings the last of them back merges. Who finds the line full may merge; so it is
 * looked at again after each attempt that failed because of frames taken for a moment.
 */
void block_merge(struct frames *frames, uint64_t block)
{
    uint16_t *desc = block_desc(frames, block);
    uint64_t *line = block_line(frames, block);
    while (atomic_recheck(desc) == DESC(BLOCK_FRAMES) && line_is(line, UINT64_MAX)) {
        uint16_t full = DESC(BLOCK_FRAMES);
        if (!line_claim_words(line, 0, LINE_WORDS))
            continue;
        if (atomic_cas(desc, &full, DESC_WHOLE)) {
            blocks_put_word(frames, block, (uint64_t)1 << (block % 64));
            return;
        }
        line_put_back(line, 0, LINE_WORDS);
    }
}

/* Whole blocks */

/* The count comes first: whoever comes by takes bits, and subtracts them from it. */
void block_split(struct frames *frames, uint64_t block)
{
    block_use(span_of(frames, block), block % SPAN_BLOCKS);
    atomic_store(block_desc(frames, block), DESC(BLOCK_FRAMES) | DESC_OWNED);
    line_fill(block_line(frames, block), UINT64_MAX);
}

bool blocks_put(struct frames *frames, uint64_t first, unsigned count, uint16_t used)
{
    uint16_t *desc = block_desc(frames, first);
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&desc[i]) != used)
            return false;
    for (unsigned i = 0; i < count; i++)
        atomic_store(&desc[i], used | DESC_WHOLE);
    unsigned low = first % SPAN_BLOCKS, high = low + count;
    for (unsigned word = low / 64; word * 64 < high; word++)
        blocks_put_word(frames, first - low + word * 64ULL, line_window(word, low, high));
    return true;
}

bool gib_split(struct frames *frames, uint64_t gib)
{
    if (!list_take(frames, LIST_GIBS, 1, gib))
        return false;
    if (open_span(frames, gib) == NULL)
        span_open(frames, gib, DESC_WHOLE);
    line_fill(frames->span[gib]->list[LIST_BLOCKS], UINT64_MAX);
    list_put(frames, LIST_BLOCKS, 1, gib);
    return true;
}

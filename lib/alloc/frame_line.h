/* SPDX-License-Identifier: MIT */
/*
 * A line: 512 bits, one cache line, the node of the frame allocator's tree; a set bit is something
 * free. Finds, claims and puts back aligned runs of 2^k bits, 0 <= k <= 8. Each claim is decided by
 * a compare-and-swap of the words; whoever clears a bit owns what it stands for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/alloc/frame_word.h"
#include "lib/atomic.h"
#include "lib/bits.h"

#define LINE_WORDS 8
#define LINE_BITS  512
#define LINE_SHIFT 9

/* The part of [low, high) in word number `word` of a line, as a mask. */
static inline uint64_t line_window(unsigned word, unsigned low, unsigned high)
{
    return word_mask(word_clip(low, word * 64, 64), word_clip(high, word * 64, 64));
}

/* True iff every word has this value at this moment. */
static inline bool line_is(const uint64_t line[LINE_WORDS], uint64_t value)
{
    for (unsigned i = 0; i < LINE_WORDS; i++)
        if (atomic_recheck(&line[i]) != value)
            return false;
    return true;
}

/* For nobody else's eyes: the caller owns all of what the line stands for. */
static inline void line_fill(uint64_t line[LINE_WORDS], uint64_t value)
{
    for (unsigned i = 0; i < LINE_WORDS; i += 4) {
        atomic_store(&line[i], value);
        atomic_store(&line[i + 1], value);
        atomic_store(&line[i + 2], value);
        atomic_store(&line[i + 3], value);
    }
}

/* The highest set bit below `high`, or -1. */
static inline int line_highest(const uint64_t line[LINE_WORDS], unsigned high)
{
    uint64_t mask = UINT64_MAX >> (-high % 64); /* of the topmost word */
    for (unsigned word = (high + 63) / 64; word-- > 0; mask = UINT64_MAX) {
        uint64_t bits = atomic_load(&line[word]) & mask;
        if (bits != 0)
            return (int)(word * 64 + bits_highest(bits));
    }
    return -1;
}

/* Puts back the words [first, end), all of which the caller claimed. It will look at something else
 * next, to see whether it missed a merge; a mere store could come after that look. */
static inline void line_put_back(uint64_t line[LINE_WORDS], unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        atomic_or(&line[i], UINT64_MAX);
}

/* Claims the full words [first, first + count), all or none. Those that it claims in vain are
 * absent for a moment: after a failure the caller looks whether a merge was kept from happening. */
static inline bool line_claim_words(uint64_t line[LINE_WORDS], unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        uint64_t full = UINT64_MAX;
        if (atomic_cas(&line[i], &full, 0))
            continue;
        line_put_back(line, first, i);
        return false;
    }
    return true;
}

/* Claims the highest aligned run of 2^k bits, k <= 6, of one word within `window`. The index of its
 * first bit, or -1. */
static inline int line_claim_in_word(uint64_t *word, unsigned k, uint64_t window)
{
    uint64_t bits = atomic_load(word);
    for (;;) {
        uint64_t left = bits;
        int first = bits == 0 ? -1 : word_take(&left, k, window);
        if (first < 0 || atomic_cas(word, &bits, left))
            return first;
    }
}

/* Claims the highest aligned run of 2^k bits, k <= 8, within the bits [low, high). Its first bit,
 * or -1. */
static inline int line_claim(uint64_t line[LINE_WORDS], unsigned k, unsigned low, unsigned high)
{
    unsigned words = k > 6 ? 1u << (k - 6) : 1;
    for (unsigned end = (high + 63) / 64 / words * words; end * 64 > low && end > 0; end -= words) {
        unsigned first = end - words;
        if (k > 6) {
            if (first * 64 >= low && end * 64 <= high && line_claim_words(line, first, words))
                return (int)(first * 64);
            continue;
        }
        if (atomic_peek(&line[first]) == 0)
            continue;
        int found = line_claim_in_word(&line[first], k, line_window(first, low, high));
        if (found >= 0)
            return (int)(first * 64) + found;
    }
    return -1;
}

/* Sets bits of one word, which belong to the caller and are clear: so they may be added. False if
 * one of them is set, and nothing has changed in the end. */
static inline bool line_put_in_word(uint64_t *word, uint64_t bits)
{
    if ((atomic_add(word, bits) & bits) == 0)
        return true;
    atomic_sub(word, bits);
    return false;
}

/* SPDX-License-Identifier: MIT */
/*
 * A line: 512 bits, as much as a cache line holds, the node of the frame allocator's tree. Pure
 * functions that find, take and put aligned runs of 2^k bits, 0 <= k <= 8; a set bit is something
 * free.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define LINE_WORDS 8
#define LINE_BITS  512
#define LINE_SHIFT 9

/* The bits of `word` at which an aligned run of 2^k set bits starts, k <= 6: each step joins pairs
 * of runs half as long. */
static inline uint64_t line_word_runs(uint64_t word, unsigned k)
{
    static const uint64_t aligned[] = {
        0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
        0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
    };
    for (unsigned step = 0; step < k; step++)
        word &= word >> (1u << step);
    return word & aligned[k];
}

/* The highest aligned run of 2^k set bits that ends at or below bit `limit` <= 512: its first bit,
 * or -1 if there is none. */
static inline int line_find(const uint64_t line[LINE_WORDS], unsigned k, unsigned limit)
{
    unsigned size = 1u << k;
    if (size > 64) {
        unsigned words = size / 64;
        for (int first = (int)(limit / size * words) - (int)words; first >= 0;
             first -= (int)words) {
            uint64_t all = UINT64_MAX;
            for (unsigned i = 0; i < words; i++)
                all &= line[(unsigned)first + i];
            if (all == UINT64_MAX)
                return first * 64;
        }
        return -1;
    }
    limit = limit / size * size;
    for (unsigned word = (limit + 63) / 64; word-- > 0;) {
        unsigned in_word = limit - word * 64;
        uint64_t runs = line_word_runs(line[word], k);
        if (in_word < 64)
            runs &= bits_mask(0, in_word);
        if (runs != 0)
            return (int)(word * 64 + bits_highest(runs));
    }
    return -1;
}

/* The bits of an aligned run of 2^k bits at `first` within each word that it touches. */
static inline uint64_t line_run_mask(unsigned first, unsigned k)
{
    return k >= 6 ? UINT64_MAX : bits_mask(first % 64, 1u << k);
}

/* True iff every bit of the run is set. */
static inline bool line_is_full(const uint64_t line[LINE_WORDS], unsigned first, unsigned k)
{
    uint64_t missing = 0;
    for (unsigned word = first / 64; word * 64 < first + (1u << k); word++)
        missing |= ~line[word] & line_run_mask(first, k);
    return missing == 0;
}

/* True iff no bit of the run is set. */
static inline bool line_is_clear(const uint64_t line[LINE_WORDS], unsigned first, unsigned k)
{
    uint64_t present = 0;
    for (unsigned word = first / 64; word * 64 < first + (1u << k); word++)
        present |= line[word] & line_run_mask(first, k);
    return present == 0;
}

/* Clears the bits of the run. */
static inline void line_take(uint64_t line[LINE_WORDS], unsigned first, unsigned k)
{
    for (unsigned word = first / 64; word * 64 < first + (1u << k); word++)
        line[word] &= ~line_run_mask(first, k);
}

/* Sets the bits of the run. */
static inline void line_put(uint64_t line[LINE_WORDS], unsigned first, unsigned k)
{
    for (unsigned word = first / 64; word * 64 < first + (1u << k); word++)
        line[word] |= line_run_mask(first, k);
}

static inline void line_fill(uint64_t line[LINE_WORDS], uint64_t word)
{
    for (unsigned i = 0; i < LINE_WORDS; i++)
        line[i] = word;
}

/* SPDX-License-Identifier: MIT */
/*
 * Pure functions of the frame allocator: one word of a bitmap, ranges clipped to it, counts and
 * orders. No atomics and no compiler builtins, so that `make prove` can prove the contracts.
 */
#pragma once

#include <stdint.h>

/* The bits [from, to) of a word. Precondition: from, to <= 64; nothing if from >= to. */
static inline uint64_t word_mask(unsigned from, unsigned to)
{
    if (from >= to || from >= 64)
        return 0;
    uint64_t above = to == 64 ? 0 : UINT64_MAX << to;
    return (UINT64_MAX << from) & ~above;
}

/* How many of the `size` numbers from `start` on lie below `limit`. */
static inline unsigned word_clip(uint64_t limit, uint64_t start, unsigned size)
{
    if (limit <= start)
        return 0;
    return limit - start < size ? (unsigned)(limit - start) : size;
}

/* The aligned run of 2^k bits at bit `first`, k <= 6. */
static inline uint64_t word_run(unsigned first, unsigned k)
{
    return word_mask(first, first + (1u << k));
}

/* The bits of `word` at which an aligned run of 2^k set bits starts, k <= 6: each step joins pairs
 * of runs half as long. */
static inline uint64_t word_runs(uint64_t word, unsigned k)
{
    static const uint64_t aligned[] = {
        0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
        0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
    };
    for (unsigned step = 0; step < k; step++)
        word &= word >> (1u << step);
    return word & aligned[k];
}

/* The number of set bits: pairs, then nibbles, then bytes are summed side by side. */
static inline unsigned word_count(uint64_t word)
{
    word -= (word >> 1) & 0x5555555555555555;
    word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)((word * 0x0101010101010101) >> 56);
}

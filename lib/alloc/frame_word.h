/* SPDX-License-Identifier: MIT */
/*
 * Pure functions of the frame allocator: one word of a bitmap, ranges clipped to it, and runs of
 * bits in it. No atomics, so that `make prove` can prove the contracts that stand beside the code;
 * lib/bits.h says what is_set() and all_set() mean.
 */
#pragma once

#include <stdint.h>

#include "lib/bits.h"

/* The 2^k bits from `first` on are all set. */
/*@ predicate is_run(integer word, integer first, integer k) =
        0 <= first < 64 && all_set(word, first, first + (1 << k)); */

/* The bits [from, to) of a word; none if from >= to. */
/*@ requires from <= 64 && to <= 64;
    assigns  \nothing;
    ensures  \forall integer i; is_set(\result, i) <==> from <= i < to; */
static inline uint64_t word_mask(unsigned from, unsigned to)
{
    return from < to ? bits_mask(from, to - from) : 0;
}

/* How many of the numbers [start, start + size) lie below `limit`. */
/*@ assigns \nothing;
    ensures \result == \max(0, \min(limit - start, size)); */
static inline unsigned word_clip(uint64_t limit, uint64_t start, unsigned size)
{
    if (limit <= start)
        return 0;
    return limit - start < size ? (unsigned)(limit - start) : size;
}

/* The bits whose number is a multiple of 2^k. */
/*@ requires k <= 6;
    assigns  \nothing;
    ensures  \forall integer i; is_set(\result, i) <==> 0 <= i < 64 && i % (1 << k) == 0; */
static inline uint64_t word_aligned(unsigned k)
{
    static const uint64_t aligned[] = {
        0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
        0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
    };
    return aligned[k];
}

/* The bits of `word` at which an aligned run of 2^k set bits starts. Each step joins pairs of runs
 * half as long. */
/*@ requires k <= 6;
    assigns  \nothing;
    ensures  \forall integer i; is_set(\result, i) <==>
                 i % (1 << k) == 0 && is_run(word, i, k); */
static inline uint64_t word_runs(uint64_t word, unsigned k)
{
    uint64_t runs = word;
    /*@ loop invariant half == 1 || half == 2 || half == 4 || half == 8 || half == 16 ||
                       half == 32 || half == 64;
        loop invariant half <= 1 << k;
        loop invariant \forall integer i; is_set(runs, i) <==>
                           0 <= i < 64 && all_set(word, i, i + half);
        loop assigns   half, runs;
        loop variant   64 - half; */
    for (unsigned half = 1; half < 1u << k; half *= 2)
        runs &= runs >> half;
    return runs & word_aligned(k);
}

/* Takes the highest aligned run of 2^k bits, all of them set in *word and in `window`, out of
 * *word. The number of its first bit; -1 if there is no such run, and nothing has changed then. */
/*@ requires k <= 6 && \valid(word);
    assigns  *word;
    ensures  \result == -1 <==>
                 !(\exists integer i; i % (1 << k) == 0 && is_run(\old(*word) & window, i, k));
    ensures  \result == -1 ==> *word == \old(*word);
    ensures  \result != -1 ==>
                 \result % (1 << k) == 0 && is_run(\old(*word) & window, \result, k);
    ensures  \result != -1 ==> \forall integer i;
                 i % (1 << k) == 0 && is_run(\old(*word) & window, i, k) ==> i <= \result;
    ensures  \result != -1 ==> \forall integer i; is_set(*word, i) <==>
                 is_set(\old(*word), i) && !(\result <= i < \result + (1 << k)); */
static inline int word_take(uint64_t *word, unsigned k, uint64_t window)
{
    uint64_t runs = word_runs(*word & window, k);
    if (runs == 0)
        return -1;
    unsigned first = bits_highest(runs);
    *word &= ~bits_mask(first, 1u << k);
    return (int)first;
}

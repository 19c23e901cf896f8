/* SPDX-License-Identifier: MIT */
/*
 * Bit and alignment arithmetic, and bitmaps kept in arrays of 64-bit words: bit i of a map is bit
 * i % 64 of word i / 64. Nothing here locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For the contracts, which `make prove` proves: bit i of a word is set; the bits [from, to) are all
 * set; a value is a power of two. */
/*@ predicate is_set(integer word, integer i) = 0 <= i < 64 && (word & (1 << i)) != 0;
    predicate all_set(integer word, integer from, integer to) =
        \forall integer i; from <= i < to ==> is_set(word, i);
    predicate is_power(integer value) = \exists integer k; 0 <= k < 64 && value == 1 << k; */

/*@ assigns \nothing;
    ensures \result == \min(a, b); */
static inline uint64_t bits_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*@ assigns \nothing;
    ensures \result == \max(a, b); */
static inline uint64_t bits_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* True iff exactly one bit is set. */
static inline bool bits_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Round down or up to a multiple of `unit`, a power of two. Rounding up wraps above 2^64 - unit. */
/*@ requires is_power(unit);
    assigns  \nothing;
    ensures  \result % unit == 0 && \result <= value < \result + unit; */
static inline uint64_t bits_round_down(uint64_t value, uint64_t unit)
{
    return value & ~(unit - 1);
}

/*@ requires is_power(unit);
    assigns  \nothing;
    ensures  value + unit <= 1 << 64 ==>
                 \result % unit == 0 && \result - unit < value <= \result; */
static inline uint64_t bits_round_up(uint64_t value, uint64_t unit)
{
    return bits_round_down(value + (unit - 1), unit);
}

/* True iff `value` is a multiple of `unit`, a power of two. */
/*@ requires is_power(unit);
    assigns  \nothing;
    ensures  \result <==> value % unit == 0; */
static inline bool bits_is_aligned(uint64_t value, uint64_t unit)
{
    return (value & (unit - 1)) == 0;
}

/* Index of the lowest or highest set bit. Precondition: value != 0. */
/*@ requires value != 0;
    assigns  \nothing;
    ensures  is_set(value, \result);
    ensures  \forall integer i; is_set(value, i) ==> \result <= i;
    ensures  value % (1 << \result) == 0; */
static inline unsigned bits_lowest(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

/*@ requires value != 0;
    assigns  \nothing;
    ensures  is_set(value, \result);
    ensures  \forall integer i; is_set(value, i) ==> i <= \result;
    ensures  1 << \result <= value < 2 * (1 << \result); */
static inline unsigned bits_highest(uint64_t value)
{
    return (unsigned)(63 ^ (uint64_t)__builtin_clzll(value));
}

/* Number of set bits: pairs, then nibbles, then bytes are summed side by side. */
static inline unsigned bits_count(uint64_t value)
{
    value -= (value >> 1) & 0x5555555555555555;
    value = (value & 0x3333333333333333) + ((value >> 2) & 0x3333333333333333);
    value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(value * 0x0101010101010101 >> 56);
}

/* The smallest k with 2^k >= value. Precondition: 0 < value <= 2^63. */
/*@ requires 0 < value <= 1 << 63;
    assigns  \nothing;
    ensures  value <= 1 << \result && (\result > 0 ==> 1 << (\result - 1) < value); */
static inline unsigned bits_log2_up(uint64_t value)
{
    return value == 1 ? 0 : bits_highest(value - 1) + 1;
}

/* A word whose bits [first, first + count) are set. Precondition: first + count <= 64. */
/*@ requires first + count <= 64;
    assigns  \nothing;
    ensures  \forall integer i; is_set(\result, i) <==> first <= i < first + count; */
static inline uint64_t bits_mask(unsigned first, unsigned count)
{
    return count == 0 ? 0 : (UINT64_MAX >> (64 - count)) << first;
}

/*@ requires \valid_read(map + bit / 64);
    assigns  \nothing;
    ensures  \result <==> is_set(map[bit / 64], bit % 64); */
static inline bool bits_test(const uint64_t *map, size_t bit)
{
    return (map[bit / 64] >> (bit % 64)) & 1;
}

/*@ requires \valid(map + bit / 64);
    assigns  map[bit / 64];
    ensures  \forall integer i; is_set(map[bit / 64], i) <==>
                 is_set(\old(map[bit / 64]), i) || i == bit % 64; */
static inline void bits_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= (uint64_t)1 << (bit % 64);
}

/*@ requires \valid(map + bit / 64);
    assigns  map[bit / 64];
    ensures  \forall integer i; is_set(map[bit / 64], i) <==>
                 is_set(\old(map[bit / 64]), i) && i != bit % 64; */
static inline void bits_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~((uint64_t)1 << (bit % 64));
}

/* SPDX-License-Identifier: MIT */
/* `make prove`: the contracts of lib/alloc/frame_word.h, and of lib/bits.h where they speak of
 * bits. */
#include "tests/prove/builtins.h"

#include "lib/alloc/frame_word.h"

/*
 * Stepping stones, each of them proved, too: what the operators of C do to single bits, and which
 * bits some constants have. The provers do not look into constants, so these are gone through bit
 * by bit, in halves.
 */
/* clang-format off */
/*@ lemma shifted_left: \forall integer w, n, i; 0 <= n < 64 && 0 <= i < 64 ==>
        (is_set((uint64_t)(w << n), i) <==> is_set(w, i - n));
    lemma shifted_right: \forall uint64_t w, integer n, i; 0 <= n && 0 <= i ==>
        (is_set(w >> n, i) <==> is_set(w, i + n));
    lemma intersected: \forall integer a, b, i;
        is_set(a & b, i) <==> is_set(a, i) && is_set(b, i);
    lemma inverted: \forall integer a, i; 0 <= i < 64 ==>
        (is_set((uint64_t)~a, i) <==> !is_set(a, i)); */

/*@ lemma counted_from_above: \forall integer n; 0 <= n < 64 ==> (63 ^ n) == 63 - n; */

/*@ lemma powers: \forall integer n; 0 <= n <= 6 ==>
        (n == 0 && 1 << n == 1) || (n == 1 && 1 << n == 2) || (n == 2 && 1 << n == 4) ||
        (n == 3 && 1 << n == 8) || (n == 4 && 1 << n == 16) || (n == 5 && 1 << n == 32) ||
        (n == 6 && 1 << n == 64); */

/*@ lemma ends: \forall integer w, from, to; from < to && all_set(w, from, to) ==>
        is_set(w, from) && is_set(w, to - 1);
    lemma joined: \forall integer w, from, mid, to; from <= mid <= to ==>
        (all_set(w, from, to) <==> all_set(w, from, mid) && all_set(w, mid, to)); */

#define EVERY(n, name, word)                                                     \
    lemma name##_low: \forall integer i; 0 <= i < 32 ==>                         \
        (((uint64_t)word & (1 << i)) != 0 <==> i % n == 0);                      \
    lemma name##_high: \forall integer i; 32 <= i < 64 ==>                       \
        (((uint64_t)word & (1 << i)) != 0 <==> i % n == 0);                      \
    lemma name: \forall integer i; 0 <= i < 64 ==>                               \
        (is_set((uint64_t)word, i) <==> i % n == 0)

/*@ EVERY(1, every_bit, 0xffffffffffffffff);
    EVERY(2, every_2nd, 0x5555555555555555);
    EVERY(4, every_4th, 0x1111111111111111);
    EVERY(8, every_8th, 0x0101010101010101);
    EVERY(16, every_16th, 0x0001000100010001);
    EVERY(32, every_32nd, 0x0000000100000001);
    EVERY(64, every_64th, 0x0000000000000001); */
/* clang-format on */

/* SPDX-License-Identifier: MIT */
/*
 * The provers of `make prove` know bits and they know numbers; this is what they are told of how
 * the one makes up the other. Assumed; tests/bits_test.c tests it.
 */
#pragma once

#include "tests/prove/builtins.h"

/* clang-format off */
/*@ axiomatic Masks {
      axiom low_bits: \forall uint64_t x, unit; is_power(unit) ==>
          (x & (uint64_t)(unit - 1)) == x % unit;
      axiom low_bits_again: \forall uint64_t x, mask; is_power(mask + 1) ==>
          (x & mask) == x % (mask + 1);
      axiom other_bits: \forall uint64_t x, mask; (x & (uint64_t)~mask) == x - (x & mask);
    } */

/*@ lemma bounded: \forall integer n; 0 <= n < 64 ==> 1 <= (1 << n) <= 1 << 63;
    lemma power: \forall integer unit; is_power(unit) ==> 1 <= unit <= 1 << 63; */
/* clang-format on */

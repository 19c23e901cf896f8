/* SPDX-License-Identifier: MIT */
/*
 * What two instructions of the machine do: assumed by `make prove`, tested by tests/bits_test.c.
 */
#pragma once

int __builtin_ctzll(unsigned long long word);
int __builtin_clzll(unsigned long long word);

#include "lib/bits.h"

/* The number of clear bits below the lowest set one. */
/*@ requires word != 0;
    assigns  \nothing;
    ensures  is_set(word, \result);
    ensures  \forall integer i; is_set(word, i) ==> \result <= i;
    ensures  word % (1 << \result) == 0; */
int __builtin_ctzll(unsigned long long word);

/* The number of clear bits above the highest set one. */
/*@ requires word != 0;
    assigns  \nothing;
    ensures  is_set(word, 63 - \result);
    ensures  \forall integer i; is_set(word, i) ==> i <= 63 - \result;
    ensures  1 << (63 - \result) <= word < 2 * (1 << (63 - \result)); */
int __builtin_clzll(unsigned long long word);

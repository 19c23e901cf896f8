/* SPDX-License-Identifier: MIT */
/* `make prove`: bits_round_down() of lib/bits.h. */
#include "tests/prove/masks.h"

/* clang-format off */
/*@ lemma rest: \forall integer x, unit; 0 <= x && 0 < unit ==> 0 <= x % unit < unit;
    lemma divided: \forall integer x, unit; 0 <= x && 0 < unit ==>
        x - x % unit == unit * (x / unit);
    lemma near: \forall integer unit, a, b; 0 < unit && 0 <= unit * a - unit * b < unit ==> a == b;
    lemma again: \forall integer x, unit; 0 < unit && 0 <= unit * x ==> (unit * x) / unit == x;
    lemma multiple: \forall integer x, unit; 0 <= x && 0 < unit ==> (x - x % unit) % unit == 0; */
/* clang-format on */

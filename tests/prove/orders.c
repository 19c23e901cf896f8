/* SPDX-License-Identifier: MIT */
/* `make prove`: bits_log2_up() of lib/bits.h, and what frame_word.h says of orders. */
#include "tests/prove/builtins.h"

/* clang-format off */
/*@ lemma doubled: \forall integer n; 0 <= n < 64 ==> 1 << (n + 1) == 2 * (1 << n); */
/* clang-format on */

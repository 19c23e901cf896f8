/* SPDX-License-Identifier: MIT */
/* `make prove`: bits_is_aligned() and bits_round_up() of lib/bits.h. */
#include "tests/prove/masks.h"

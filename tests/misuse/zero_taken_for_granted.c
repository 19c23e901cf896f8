/* SPDX-License-Identifier: MIT */
/* New memory is used as if it were zero: debug builds fill it. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    const unsigned char *block = misuse_alloc(500), *large = misuse_alloc(100000);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(block[i], 0xa5);
    for (size_t i = 0; i < 100000; i += 999)
        assert_int_equal(large[i], 0xa5);
}

const struct misuse misuse_zero_taken_for_granted = {"zero taken for granted", DEBUG, commit};

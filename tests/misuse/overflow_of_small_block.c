/* SPDX-License-Identifier: MIT */
/* One byte too many is written to a small block. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(37);
    block[37] = 1;
    misuse_says(heap_free(&misuse_heap, block),
                "the block of 37 bytes at %p was written to behind its end, at %p, class 48",
                (void *)block, (void *)(block + 37));
}

const struct misuse misuse_overflow_of_small_block = {"overflow of small block", CHECKED, commit};

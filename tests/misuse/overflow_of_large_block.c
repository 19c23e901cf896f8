/* SPDX-License-Identifier: MIT */
/* One byte too many is written to a run. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(100000);
    block[100000] = 1;
    misuse_says(heap_free(&misuse_heap, block),
                "the block of 100000 bytes at %p was written to behind its end, at %p",
                (void *)block, (void *)(block + 100000));
}

const struct misuse misuse_overflow_of_large_block = {"overflow of large block", CHECKED, commit};

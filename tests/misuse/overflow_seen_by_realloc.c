/* SPDX-License-Identifier: MIT */
/* One byte too many is written to a block that then grows. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(37);
    block[37] = 1;
    misuse_says(heap_realloc(&misuse_heap, block, 1000),
                "the block of 37 bytes at %p was written to behind its end, at %p, class 48",
                (void *)block, (void *)(block + 37));
}

const struct misuse misuse_overflow_seen_by_realloc = {"overflow seen by realloc", CHECKED, commit};

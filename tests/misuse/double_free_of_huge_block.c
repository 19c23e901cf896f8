/* SPDX-License-Identifier: MIT */
/* A mapping is freed twice. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(3 * MIB);
    heap_free(&misuse_heap, block);
    misuse_says(heap_free(&misuse_heap, block),
                "%p is not a heap pointer, or its block is already free and unmapped",
                (void *)block);
}

const struct misuse misuse_double_free_of_huge_block = {"double free of huge block", ALL, commit};

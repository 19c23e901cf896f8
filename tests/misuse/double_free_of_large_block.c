/* SPDX-License-Identifier: MIT */
/* A run is freed twice. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(100000);
    heap_free(&misuse_heap, block);
    misuse_says(heap_free(&misuse_heap, block), "%p is already free, as is all around it",
                (void *)block);
}

const struct misuse misuse_double_free_of_large_block = {"double free of large block", ALL, commit};

/* SPDX-License-Identifier: MIT */
/* A block is freed by its owner and by another heap, before it is handed over. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(40);
    heap_free(&misuse_other_heap, block);
    misuse_says(heap_free(&misuse_heap, block), "%p is already free, a block of 40 bytes, class 48",
                (void *)block);
    misuse_says(heap_free(&misuse_other_heap, block),
                "%p is already free, a block of 40 bytes, class 48", (void *)block);
}

const struct misuse misuse_double_free_by_two_heaps = {"double free by two heaps", CHECKED, commit};

/* SPDX-License-Identifier: MIT */
/* A block is freed, then another, then the first again. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(40), *other = misuse_alloc(40);
    heap_free(&misuse_heap, block);
    heap_free(&misuse_heap, other);
    misuse_says(heap_free(&misuse_heap, block), "%p is already free, a block of 40 bytes, class 48",
                (void *)block);
}

const struct misuse misuse_double_free_later = {"double free later", CHECKED, commit};

/* SPDX-License-Identifier: MIT */
/* A block is resized after it was freed. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(40);
    heap_free(&misuse_heap, block);
    misuse_says(heap_realloc(&misuse_heap, block, 100),
                "%p is already free, a block of 40 bytes, class 48", (void *)block);
}

const struct misuse misuse_realloc_after_free = {"realloc after free", CHECKED, commit};

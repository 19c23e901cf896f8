/* SPDX-License-Identifier: MIT */
/* What is freed points into a run, in its first slice and behind that. */
#include "tests/misuse/misuse.h"

static void free_inside(char *block, size_t offset)
{
    misuse_says(heap_free(&misuse_heap, block + offset),
                "%p points %zu bytes into a live block of %d bytes at %p", (void *)(block + offset),
                offset, HEAP_CHECKED ? 100000 : 102400, (void *)block);
}

static void commit(void)
{
    char *block = misuse_alloc(100000);
    free_inside(block, 16);
    free_inside(block, 80000);
}

const struct misuse misuse_interior_pointer_of_large_block = {"interior pointer of large block",
                                                              ALL, commit};

/* SPDX-License-Identifier: MIT */
/* A block is written to after it was freed. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *blocks[100];
    for (size_t i = 0; i < 100; i++)
        blocks[i] = misuse_alloc(500);
    for (size_t i = 1; i < 100; i++)
        heap_free(&misuse_heap, blocks[i]);
    blocks[50][499] = 1;
    misuse_says(for (;;) misuse_alloc(500),
                "%p was written to while free: byte 499 of the block of 500 bytes at %p, class 512",
                (void *)(blocks[50] + 499), (void *)blocks[50]);
}

const struct misuse misuse_write_after_free = {"write after free", CHECKED, commit};

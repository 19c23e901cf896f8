/* SPDX-License-Identifier: MIT */
/* A block is written to before its start, which is the end of its neighbour. */
#include "tests/misuse/misuse.h"

#define BLOCKS 64

/* One of the blocks, which lie in any order, that another follows at once. */
static char *followed(char *const *blocks)
{
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t k = 0; k < BLOCKS; k++)
            if (blocks[k] == blocks[i] + 48)
                return blocks[i];
    return NULL;
}

static void commit(void)
{
    char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = misuse_alloc(40);
    char *block = followed(blocks), *next = block + 48;
    next[-1] ^= 0x40;
    misuse_says(heap_free(&misuse_heap, block),
                "the block of 40 bytes at %p was written to behind its end, at %p, class 48",
                (void *)block, (void *)(block + 40));
}

const struct misuse misuse_underflow = {"underflow", CHECKED, commit};

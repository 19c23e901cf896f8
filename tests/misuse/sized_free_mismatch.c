/* SPDX-License-Identifier: MIT */
/* A block is freed as one of another size. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(100), *large = misuse_alloc(100000);
    misuse_says(heap_free_sized(&misuse_heap, block, 99),
                "%p is a block of 100 bytes, freed as one of 99, class 112", (void *)block);
    misuse_says(heap_free_sized(&misuse_heap, large, 100001),
                "%p is a block of 100000 bytes, freed as one of 100001", (void *)large);
}

const struct misuse misuse_sized_free_mismatch = {"sized free mismatch", CHECKED, commit};

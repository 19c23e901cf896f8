/* SPDX-License-Identifier: MIT */
/* A mapping is written to after it was freed. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(3 * MIB);
    heap_free(&misuse_heap, block);
    misuse_faults(block + 1000);
}

const struct misuse misuse_write_after_free_of_huge_block = {"write after free of huge block", ALL,
                                                             commit};

/* SPDX-License-Identifier: MIT */
/* A block goes to a heap of another world. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    void *block = heap_alloc(&misuse_foreign_heap, 40);
    misuse_says(heap_free(&misuse_heap, block),
                "%p is not a heap pointer, or its block is already free and unmapped", block);
    assert_true(heap_owns(&misuse_other_world, block));
}

const struct misuse misuse_free_of_foreign_heap = {"free of foreign heap", ALL, commit};

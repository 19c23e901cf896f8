/* SPDX-License-Identifier: MIT */
/* What is freed could be a block, but was not given out yet. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(40);
    uintptr_t last = ((uintptr_t)block | (HEAP_SLICE_SIZE - 1)) + 1 - 48;
    misuse_says(heap_free(&misuse_heap, (void *)last), "%p was not allocated so far, class 48",
                (void *)last);
}

const struct misuse misuse_free_of_never_allocated_block = {"free of never allocated block",
                                                            CHECKED, commit};

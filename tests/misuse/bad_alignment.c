/* SPDX-License-Identifier: MIT */
/* An alignment is no power of two. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    misuse_says(heap_alloc_aligned(&misuse_heap, 10, 24),
                "24 is not an alignment: not a power of two");
}

const struct misuse misuse_bad_alignment = {"bad alignment", ALL, commit};

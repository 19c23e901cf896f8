/* SPDX-License-Identifier: MIT */
/* What is freed points into a small block. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(40);
    misuse_says(heap_free(&misuse_heap, block + 8),
                "%p points 8 bytes into a live block of %d bytes at %p, class 48",
                (void *)(block + 8), HEAP_CHECKED ? 40 : 48, (void *)block);
}

const struct misuse misuse_interior_pointer = {"interior pointer", ALL, commit};

/* SPDX-License-Identifier: MIT */
/* A run is written to far behind its end. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(HEAP_SLICE_SIZE);
    misuse_alloc(HEAP_SLICE_SIZE);
    misuse_faults(block + HEAP_SLICE_SIZE);
}

const struct misuse misuse_overflow_into_guard = {"overflow into guard", HARDENED, commit};

/* SPDX-License-Identifier: MIT */
/* What is freed never was the heap's. */
#include "tests/misuse/misuse.h"

static void free_invalid(void *pointer)
{
    misuse_says(heap_free(&misuse_heap, pointer),
                "%p is not a heap pointer, or its block is already free and unmapped", pointer);
}

static void commit(void)
{
    char local = 0;
    free_invalid(&local);
    free_invalid(&misuse_heap);
    free_invalid((void *)16);
    free_invalid((void *)UINTPTR_MAX);
}

const struct misuse misuse_invalid_free = {"invalid free", ALL, commit};

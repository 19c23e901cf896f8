/* SPDX-License-Identifier: MIT */
/* A block is freed, and at once again. */
#include "lib/alloc/heap_checked.h"
#include "lib/alloc/heap_class.h"
#include "tests/misuse/misuse.h"

static void commit(void)
{
    char *block = misuse_alloc(48);
    size_t size = heap_class_size(heap_class_of(&misuse_heap, heap_object_size(48)));
    heap_free(&misuse_heap, block);
    misuse_says(heap_free(&misuse_heap, block),
                "%p is already free, a block of 48 bytes, class %zu", (void *)block, size);
}

const struct misuse misuse_double_free = {"double free", ALL, commit};

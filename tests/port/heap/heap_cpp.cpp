/* SPDX-License-Identifier: MIT */
/* The heap's headers in a C++ program. */
#include "lib/alloc/port/heap.hpp"

void *cpp_alloc(struct heap *heap, size_t size);
void *cpp_alloc(struct heap *heap, size_t size)
{
    return heap_alloc(heap, size);
}

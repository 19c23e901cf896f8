/* SPDX-License-Identifier: MIT */
/* The heap's headers in a C++ program. */
#include "lib/alloc/port/heap.hpp"

void *cpp_alloc(size_t size);
void *cpp_alloc(size_t size)
{
    port_start();
    return heap_alloc(&port_heap, size);
}

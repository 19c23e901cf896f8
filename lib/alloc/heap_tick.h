/* SPDX-License-Identifier: MIT */
/* When memory goes back to the port: heap_tick() and heap_trim(), and who calls the former. */
#pragma once

#include "lib/alloc/heap_slice.h"

#define HEAP_IDLE_MS 1000 /* memory unused for so long goes back */

void heap_tick_now(struct heap *heap);

/* For the slow path of allocation. */
static inline void heap_tick_when_due(struct heap *heap)
{
    if (HEAP_TICKS && !heap->is_interrupt)
        heap_tick_now(heap);
}

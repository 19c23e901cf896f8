/* SPDX-License-Identifier: MIT */
/* When memory goes back to the port: heap_tick() and heap_trim(), and who calls the former. */
#pragma once

#include "lib/alloc/heap.h"

#define HEAP_IDLE_MS 1000 /* memory unused for so long goes back */

void heap_tick_now(struct heap *heap);

/* For the slow path of allocation. */
static inline void heap_tick_when_due(struct heap *heap)
{
    if (HEAP_TICKS && !heap->is_interrupt)
        heap_tick_now(heap);
}

/* Memory that is free, but in the wrong place, counts against the cap: gives it back. True iff that
 * was any, so that an allocation that has found none may try again. */
static inline bool heap_trim_before_failure(struct heap *heap)
{
    return HEAP_TICKS && !heap->is_interrupt && heap_trim(heap) > 0;
}

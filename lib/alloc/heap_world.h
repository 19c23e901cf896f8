/* SPDX-License-Identifier: MIT */
/* The arena as a whole: how it grows, and how much memory is behind it. */
#pragma once

#include "lib/alloc/heap_slice.h"

/* Asks the port for at least `slices` more and makes them a free run. False changes nothing but
 * that address space may wait in `spare`. The lock must be free. */
bool heap_world_grow(struct heap_world *world, size_t slices);

/* Counts `bytes` of memory as taken; false if that would exceed the cap. And the reverse. */
bool heap_world_take(struct heap_world *world, size_t bytes);
void heap_world_return(struct heap_world *world, size_t bytes);

/* Gives memory to `count` pages from page `first` of `slice` on, into the slices behind it as need
 * be; those that have some keep it. False if there is not enough: some of them may have got it. */
bool heap_world_back(struct heap_world *world, struct heap_slice *slice, size_t first,
                     size_t count);

/* Takes the memory of the pages in `pages` that have some. Returns how many. */
size_t heap_world_purge(struct heap_world *world, struct heap_slice *slice, uint16_t pages);

/* Pages of `slice` among `count` from page `first` on. */
static inline uint16_t heap_page_mask(size_t first, size_t count)
{
    if (first >= HEAP_SLICE_PAGES || count == 0)
        return 0;
    unsigned past = 1U << (count < HEAP_SLICE_PAGES - first ? first + count : HEAP_SLICE_PAGES);
    return (uint16_t)(past - (1U << first));
}

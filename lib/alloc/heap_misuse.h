/* SPDX-License-Identifier: MIT */
/* What an address is to the heap, said as a sentence; and panics that say it. */
#pragma once

#include "lib/alloc/heap_slice.h"

/* Panics: `pointer`, which a caller passed as a block, is none. */
_Noreturn void heap_misuse(struct heap_world *world, const void *pointer, const void *caller);

/* Panics with a sentence about the object or block that starts at `block`, adding its class. */
_Noreturn void heap_refuse(const struct heap_world *world, uintptr_t block, const void *caller,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/* True iff the block that starts at `block`, as heap_is_object() and the like have found, is live
 * as far as can be seen: exactly so in checked builds; else an object that is in no list that can
 * be followed. */
bool heap_is_live(struct heap_world *world, const void *block);

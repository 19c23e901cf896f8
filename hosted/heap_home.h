/* SPDX-License-Identifier: MIT */
/* The heap's home in a Linux process: address space reserved at the start, backed by memory at
 * first touch. LOAM_HARDEN, 0 or 1, comes from the build. */
#pragma once

#include <stddef.h>

#define HEAP_DEBUG    0
#define HEAP_HARDEN   LOAM_HARDEN
#define HEAP_COMMITS  0
#define HEAP_ZEROED   1
#define HEAP_TICKS    1
#define HEAP_HUGE_MIN ((size_t)4 << 20)

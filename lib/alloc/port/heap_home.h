/* SPDX-License-Identifier: MIT */
/* The heap's constants on a machine with one CPU and a fixed piece of memory; heap_port.h says what
 * each means. */
#pragma once

#include <stdint.h>

#define HEAP_DEBUG    0
#define HEAP_HARDEN   0
#define HEAP_COMMITS  0
#define HEAP_ZEROED   0
#define HEAP_TICKS    0
#define HEAP_HUGE_MIN SIZE_MAX

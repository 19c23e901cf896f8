/* SPDX-License-Identifier: MIT */
/*
 * The churn of the kernel heap: at each step one of many slots is chosen at random; if it holds a
 * block, that is freed, else one is allocated, of a random size between 16 and 4095 bytes (with
 * small ones as likely as large: the logarithm is evenly distributed). Half of the slots are full
 * in the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_churn {
    size_t slots, steps;          /* asked for */
    uint64_t allocs, alloc_ticks; /* of the time stamp counter, in all, */
    uint64_t frees, free_ticks;   /* and for the other half; */
    uint64_t alloc_max, free_max; /* of the slowest */
    uint64_t live, taken;         /* bytes: of blocks, and of memory behind them; at their peaks */
};

/* Runs it, with interrupts off, on this CPU's task heap, and frees everything. Returns false if
 * memory is short. */
bool heap_churn_run(struct heap_churn *churn);

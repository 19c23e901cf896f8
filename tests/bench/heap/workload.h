/* SPDX-License-Identifier: MIT */
/*
 * The workloads of the heap benchmark: each is a function that allocates in one way for about half
 * a second, always the same way, and frees what it holds. All that they need of malloc is below.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/host/random.h"

void objects_small(void);
void objects_fifo(void);
void objects_trees(void);
void objects_replace(void);
void objects_replace_medium(void);
void objects_aligned(void);
void resize_grow(void);
void resize_strings(void);
void large_blocks(void);
void churn_long_lived(void);
void threads_pipeline(void);
void threads_come_and_go(void);
void threads_remote64(void);
void idle_all(void);
void idle_twentieth(void);
void idle_start(void);

/* Ends the program with a sentence if there is no memory: then the workload is not what it says. */
void *workload_alloc(size_t size);
void *workload_alloc_aligned(size_t align, size_t size);
void *workload_realloc(void *block, size_t size);

/* A figure that the workload itself measured, for the benchmark: printed as `NAME VALUE`. */
void workload_figure(const char *name, double value);

/* A clock, in nanoseconds. */
double workload_nanoseconds(void);

/* Log-uniform: as many sizes between 2^low and 2^(low+1) as between any other two powers. */
static inline size_t workload_size(struct random *random, unsigned low, unsigned high)
{
    uint64_t bits = random_next(random);
    unsigned power = low + (unsigned)(bits % (high - low));
    return ((size_t)1 << power) + ((bits >> 8) & (((size_t)1 << power) - 1));
}

/* Writes what a program would at once: the first bytes, and one byte a page. */
static inline void workload_touch(char *block, size_t size)
{
    *(uint64_t *)(void *)block = size;
    for (size_t at = 4096; at < size; at += 4096)
        block[at] = 1;
}

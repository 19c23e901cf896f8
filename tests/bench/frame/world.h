/* SPDX-License-Identifier: MIT */
/* What the benchmarks of lib/alloc/frame share: a memory that is numbers only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/alloc/frame.h"

#define FRAMES_OF(bytes) ((bytes) >> PAGE_SHIFT)
#define MEMORY           (4 * GIB) /* unless the name says otherwise */
#define WORLD_CPUS       64
#define BEST_OF          9 /* what is timed is done so often; the shortest counts */

extern struct frames frames;
extern unsigned world_cpus; /* that one thread plays; 1 unless set */

/* A memory of that size, all of it free, in ranges of equal size; metadata in place and touched. */
void world_start(uint64_t bytes, size_t ranges);

/* The shortest time in which that is done, in seconds. */
double world_time_start(uint64_t bytes, size_t ranges);

/* A block, or UINT64_MAX. */
static inline uint64_t world_alloc(unsigned order)
{
    return frame_alloc(&frames, (struct frame_request){.order = (uint8_t)order}).number;
}

static inline void world_free(uint64_t frame, unsigned order)
{
    frame_free(&frames, (frame_t){frame}, order);
}

void world_shuffle(uint64_t *array, size_t count);

/* Seconds on the clock, and seconds that this thread has had a CPU. */
double world_clock(void);
double world_thread_clock(void);

/* scale.c: two threads against one. */
void scale_run(void);

/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in hosted benchmarks: a release build, and each thread is the CPU that
 * it says it is. */
#pragma once

#include <stdbool.h>

#define FRAME_DEBUG 0

extern _Thread_local unsigned bench_cpu;

static inline unsigned frame_home_cpu(void)
{
    return bench_cpu;
}

/* Threads are not interrupted. */
static inline bool frame_home_interrupts_off(void)
{
    return false;
}

static inline void frame_home_interrupts_on(void)
{
}

struct frames;

/* Where one thread plays all the CPUs, it drains them all. */
void frame_home_drain_others(struct frames *frames);

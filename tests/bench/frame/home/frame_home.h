/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in hosted benchmarks: a release build, and each thread is the CPU that
 * it says it is. */
#pragma once

#define FRAME_DEBUG 0

extern _Thread_local unsigned bench_cpu;

static inline unsigned frame_home_cpu(void)
{
    return bench_cpu;
}

struct frames;

/* Where one thread plays all the CPUs, it drains them all. */
void frame_home_drain_others(struct frames *frames);

/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in hosted tests: each thread is the CPU that it says it is. */
#pragma once

#include <stdbool.h>

extern bool host_frame_debug;                 /* tests run either way; set before frame_init() */
extern _Thread_local unsigned host_frame_cpu; /* 0 unless set */

#define FRAME_DEBUG host_frame_debug

static inline unsigned frame_home_cpu(void)
{
    return host_frame_cpu;
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

/* Called when other CPUs are to be drained, unless NULL. */
extern void (*host_frame_drain)(struct frames *frames);

static inline void frame_home_drain_others(struct frames *frames)
{
    if (host_frame_drain != 0)
        host_frame_drain(frames);
}

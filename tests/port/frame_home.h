/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in a kernel with one CPU: half of the port, kernel.c has the rest. */
#pragma once

#include <stdbool.h>

#define FRAME_DEBUG 0

static inline unsigned frame_home_cpu(void)
{
    return 0;
}

struct frames;

/* There are no others. */
static inline void frame_home_drain_others(struct frames *frames)
{
    (void)frames;
}

/* Nor interrupts. */
static inline bool frame_home_interrupts_off(void)
{
    return false;
}

static inline void frame_home_interrupts_on(void)
{
}

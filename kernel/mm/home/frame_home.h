/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in the kernel. */
#pragma once

#define FRAME_DEBUG LOAM_DEBUG

/* Only the first CPU runs kernel code so far. */
static inline unsigned frame_home_cpu(void)
{
    return 0;
}

struct frames;

static inline void frame_home_drain_others(struct frames *frames)
{
    (void)frames;
}

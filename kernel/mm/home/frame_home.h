/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in the kernel. */
#pragma once

#include "kernel/arch/x86_64/percpu.h"
#include "kernel/mm/pmm_drain.h"

#define FRAME_DEBUG LOAM_DEBUG

static inline unsigned frame_home_cpu(void)
{
    return cpu_id();
}

struct frames;

static inline void frame_home_drain_others(struct frames *frames)
{
    pmm_drain_others(frames);
}

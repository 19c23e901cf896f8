/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in the kernel. */
#pragma once

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/mm/pmm_drain.h"

#define FRAME_DEBUG LOAM_DEBUG

static inline unsigned frame_home_cpu(void)
{
    return cpu_id();
}

static inline bool frame_home_interrupts_off(void)
{
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_off();
    return were_on;
}

static inline void frame_home_interrupts_on(void)
{
    asm_interrupts_on();
}

struct frames;

static inline void frame_home_drain_others(struct frames *frames)
{
    pmm_drain_others(frames);
}

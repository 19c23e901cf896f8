/* SPDX-License-Identifier: MIT */
/*
 * What locks ask of the machine, in the kernel. Hosted tests have their own, where a test says
 * which CPU it plays; both answer the same contract.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"

struct lock;

/* What the running code may interrupt. */
enum lock_context {
    LOCK_IN_TASK,      /* nothing: it was called */
    LOCK_IN_INTERRUPT, /* whoever has interrupts on */
    LOCK_IN_NMI,       /* everybody */
};

/* This CPU's number. */
static inline uint32_t lock_home_cpu(void)
{
    return cpu_id();
}

/* The innermost lock that this CPU holds, or NULL. */
static inline struct lock *lock_home_held(void)
{
    return percpu_this()->held;
}

static inline void lock_home_hold(struct lock *lock)
{
    percpu_this()->held = lock;
}

static inline enum lock_context lock_home_context(void)
{
    const struct percpu *this = percpu_this();
    if (this->nmis > 0)
        return LOCK_IN_NMI;
    return this->interrupts > 0 ? LOCK_IN_INTERRUPT : LOCK_IN_TASK;
}

static inline bool lock_home_interrupts_are_on(void)
{
    return asm_interrupts_are_on();
}

static inline void lock_home_interrupts_off(void)
{
    asm_interrupts_off();
}

static inline void lock_home_interrupts_on(void)
{
    asm_interrupts_on();
}

static inline uint64_t lock_home_clock(void)
{
    return asm_read_tsc();
}

static inline void lock_home_pause(void)
{
    asm_pause();
}

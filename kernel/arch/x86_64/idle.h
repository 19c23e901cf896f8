/* SPDX-License-Identifier: MIT */
/*
 * A CPU that has nothing to do sleeps, and is left alone: what it would have to flush from its TLB
 * it flushes when it wakes up, before it does anything else.
 */
#pragma once

#include <stdbool.h>

#include "kernel/arch/x86_64/percpu.h"

/* Sleeps until an interrupt has been handled, or does the work below: then whoever waits for
 * something must look again. Interrupts are off before and after, and let in without a gap in which
 * one could be missed. */
void idle_sleep(void);

/* From now on `work` is called, in task context, by each CPU that is about to sleep, once for each
 * time that it does. */
void idle_set_work(void (*work)(void));

/* The flush that was put off while this CPU slept. */
void idle_wake_slow(struct percpu *this);

/* What every interrupt does first. NMIs and machine checks do not: they leave alone what can be
 * unmapped. */
static inline void idle_wake(struct percpu *this)
{
    if (__atomic_load_n(&this->sleep, __ATOMIC_RELAXED) != CPU_AWAKE)
        idle_wake_slow(this);
}

/* True iff that CPU sleeps, and will flush its whole TLB when it wakes up. */
bool idle_puts_off_flush(struct percpu *area);

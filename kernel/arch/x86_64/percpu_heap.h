/* SPDX-License-Identifier: MIT */
/*
 * The heap in use. Each CPU has one for task context and one for interrupts; percpu.heap is the one
 * in use. A handler that frees a block of the heap that it interrupted frees, as that heap sees it,
 * from elsewhere.
 *
 *   percpu.heap == interrupt_heap   while percpu.interrupts > 0
 *               == &heap_none       the interrupt heap is short of slices: whoever allocates or
 *                                   frees next in task context sees to that first
 *               == task_heap        else
 */
#pragma once

#include "kernel/arch/x86_64/percpu.h"
#include "lib/alloc/heap.h"

/* This CPU handles so many interrupts, one inside the other. Interrupts are off. */
static inline void percpu_set_interrupts(struct percpu *this, uint32_t interrupts)
{
    this->interrupts = interrupts;
    if (interrupts > 0)
        this->heap = this->interrupt_heap;
    else
        this->heap =
            this->interrupt_heap->stashed < this->slices_kept ? &heap_none : this->task_heap;
}

/* An interrupt is about to be handled, and has been. */
static inline void percpu_enter_interrupt(struct percpu *this)
{
    percpu_set_interrupts(this, this->interrupts + 1);
}

static inline void percpu_leave_interrupt(struct percpu *this)
{
    percpu_set_interrupts(this, this->interrupts - 1);
}

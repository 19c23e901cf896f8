/* SPDX-License-Identifier: MIT */
/*
 * Heaps of CPUs. Each CPU has one for task context and one for interrupts; percpu.heap is the one
 * in use. A handler that frees a block of the heap that it interrupted frees, as that heap sees it,
 * from elsewhere.
 *
 *   percpu.heap == interrupt_heap   while percpu.interrupts > 0
 *               == &heap_none       the interrupt heap is short of slices: whoever allocates or
 *                                   frees next in task context sees to that first
 *               == task_heap        else
 *
 * An interrupt heap asks nothing of anybody, so it has a few slices in reserve, with memory behind
 * them, and returns NULL when they are used up.
 */
#pragma once

#include <stdbool.h>

#include "kernel/arch/x86_64/percpu.h"
#include "lib/alloc/heap.h"

struct kmalloc_heaps;

/* Memory for the heaps of one CPU, or NULL; kfree() takes it back until it is given away. */
struct kmalloc_heaps *kmalloc_make_heaps(void);

/* It is that CPU's from now on. Before the CPU starts. */
void kmalloc_give_heaps(struct percpu *area, struct kmalloc_heaps *heaps);

/* What a CPU does before it sleeps: sends off what its heaps freed of others', fills the reserve of
 * its interrupt heap, gives back memory that was long unused. Task context, interrupts on. */
void kmalloc_idle(void);

/* This CPU handles so many interrupts, one inside the other. Interrupts are off. */
static inline void kmalloc_set_interrupts(struct percpu *this, uint32_t interrupts)
{
    this->interrupts = interrupts;
    if (interrupts > 0)
        this->heap = this->interrupt_heap;
    else
        this->heap =
            this->interrupt_heap->stashed < this->slices_kept ? &heap_none : this->task_heap;
}

/* An interrupt is about to be handled, and has been. */
static inline void kmalloc_enter_interrupt(struct percpu *this)
{
    kmalloc_set_interrupts(this, this->interrupts + 1);
}

static inline void kmalloc_leave_interrupt(struct percpu *this)
{
    kmalloc_set_interrupts(this, this->interrupts - 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * Heaps of CPUs: one for task context and one for interrupts each; percpu_heap.h says which is in
 * use.
 *
 * An interrupt heap asks nothing of anybody, so it has a few slices in reserve, with memory behind
 * them, and returns NULL when they are used up.
 */
#pragma once

#include <stdbool.h>

#include "kernel/arch/x86_64/percpu_heap.h"

struct kmalloc_heaps;

/* Memory for the heaps of one CPU, or NULL; kfree() takes it back until it is given away. */
struct kmalloc_heaps *kmalloc_make_heaps(void);

/* It is that CPU's from now on. Before the CPU starts. */
void kmalloc_give_heaps(struct percpu *area, struct kmalloc_heaps *heaps);

/* What a CPU does before it sleeps: sends off what its heaps freed of others', fills the reserve of
 * its interrupt heap, gives back memory that was long unused. Task context, interrupts on. */
void kmalloc_idle(void);

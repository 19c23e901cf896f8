/* SPDX-License-Identifier: MIT */
/* The heap's home in the kernel. */
#pragma once

#include "kernel/arch/x86_64/percpu.h"

#define HEAP_DEBUG    LOAM_DEBUG
#define HEAP_HARDEN   LOAM_HARDEN
#define HEAP_COMMITS  1
#define HEAP_ZEROED   0 /* frames come as they are */
#define HEAP_TICKS    0 /* kmalloc_idle() does it */
#define HEAP_HUGE_MIN ((size_t)2 << 20)

struct heap;
struct heap_setup;
struct heap_world;

/* Where kmalloc's arena and table are. */
void heap_home_setup(struct heap_world *world, struct heap_setup *setup);

/* Gives the CPU that boots its heaps. */
void heap_home_start(void);

/* percpu.heap is heap_none: returns what it should be. */
struct heap *heap_home_attach(void);

/* Milliseconds since the CPU started. */
uint64_t heap_home_clock(void);

/* The heap in use now; percpu_heap.h. An interrupt may change that, and change it back.
 */
static inline struct heap *heap_home_current(void)
{
    struct heap *heap;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(heap) : "i"(offsetof(struct percpu, heap)));
    return heap;
}

/* That of task context, whatever is in use. */
static inline struct heap *heap_home_task(void)
{
    return percpu_this()->task_heap;
}

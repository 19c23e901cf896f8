/* SPDX-License-Identifier: MIT */
/* The heaps of the one CPU that hosted tests of kmalloc have, in place of kernel/mm/kmalloc_cpu.c.
 */
#include "kernel/mm/kmalloc.h"
#include "lib/alloc/heap.h"

struct heap host_task_heap, host_interrupt_heap;
bool host_in_interrupt;

void heap_home_start(void)
{
    heap_init(&host_task_heap, kmalloc_world());
    heap_init(&host_interrupt_heap, kmalloc_world());
    host_in_interrupt = false;
}

struct heap *heap_home_current(void)
{
    return host_in_interrupt ? &host_interrupt_heap : &host_task_heap;
}

struct heap *heap_home_task(void)
{
    return &host_task_heap;
}

struct heap *heap_home_attach(void)
{
    return NULL;
}

uint64_t heap_home_clock(void)
{
    return host_heap_clock;
}

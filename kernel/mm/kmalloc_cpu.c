/* SPDX-License-Identifier: MIT */
/* Heaps of CPUs: made, kept supplied, and tidied up. */
#include "kernel/mm/kmalloc_cpu.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"
#include "lib/bits.h"

/* Slices in reserve for interrupts: as many sizes may be new at once, and of all CPUs together they
 * are at most such a part of the RAM; one each may be a larger part. */
#define KEEP_MAX   4
#define KEEP_SHARE 256
#define ONE_SHARE  8

struct kmalloc_heaps {
    struct heap task, interrupt;
};

static struct kmalloc_heaps boot_heaps;

static uint32_t slices_to_keep(void)
{
    uint64_t slices = pmm_account().ram * PAGE_SIZE / HEAP_SLICE_SIZE / percpu_count();
    return (uint32_t)bits_min(KEEP_MAX, bits_max(slices / KEEP_SHARE, slices >= ONE_SHARE));
}

/* One slice is enough until a handler takes it. All at once, many CPUs would long wait for locks to
 * get theirs. */
void kmalloc_give_heaps(struct percpu *area, struct kmalloc_heaps *heaps)
{
    heap_init(&heaps->task, kmalloc_world());
    heap_init(&heaps->interrupt, kmalloc_world());
    area->slices_kept = bits_min(1, slices_to_keep());
    heap_reserve(&heaps->interrupt, area->slices_kept);
    area->task_heap = &heaps->task;
    area->interrupt_heap = &heaps->interrupt;
    area->heap = &heaps->task;
}

struct kmalloc_heaps *kmalloc_make_heaps(void)
{
    return kmalloc(sizeof(struct kmalloc_heaps), 0);
}

uint64_t heap_home_clock(void)
{
    return asm_read_tsc() / tsc_rate();
}

/* One slice more, if there are too few and there is memory. */
static bool reserve(const struct percpu *this)
{
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_off();
    bool done =
        this->interrupt_heap->stashed < this->slices_kept && heap_reserve(this->interrupt_heap, 1);
    if (were_on)
        asm_interrupts_on();
    return done;
}

static void fill_reserve(struct percpu *this)
{
    this->slices_kept = slices_to_keep();
    while (reserve(this))
        ;
}

struct heap *heap_home_attach(void)
{
    struct percpu *this = percpu_this();
    if (this->task_heap == NULL)
        panic("the kernel heap is used before kmalloc_init");
    this->heap = this->task_heap;
    fill_reserve(this);
    return this->task_heap;
}

void heap_home_start(void)
{
    kmalloc_give_heaps(&percpu_boot, &boot_heaps);
    heap_home_attach();
}

void kmalloc_idle(void)
{
    struct percpu *this = percpu_this();
    if (this->heap == &heap_none)
        heap_home_attach();
    heap_collect(this->task_heap);
    heap_tick(this->task_heap, heap_home_clock());
    asm_interrupts_off();
    heap_collect(this->interrupt_heap);
    while (heap_unreserve(this->interrupt_heap, this->slices_kept))
        ;
    asm_interrupts_on();
}

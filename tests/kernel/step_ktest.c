/* SPDX-License-Identifier: MIT */
/*
 * Interrupted everywhere: the CPU's trap flag stops it after every instruction of an allocation,
 * and wherever interrupts were on, a handler does there what an interrupt handler may do: it
 * allocates and frees.
 */
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/percpu_heap.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mmap.h"
#include "kernel/mm/pmm.h"
#include "lib/error.h"
#include "tests/kernel/memory.h"

#define TRAP_DEBUG         1
#define FLAG_TRAP          0x100
#define FLAG_INTERRUPTIBLE 0x200
#define SIZES              56 /* of so many classes: */
#define CLASSES            4  /* as many slices are in reserve for interrupts */

static struct {
    uint64_t steps, interruptible, allocated;
    void *kept; /* a block that one step allocates and another frees */
} seen;

static void allocate_and_free(void)
{
    void *block = kmalloc(1 + seen.interruptible % SIZES, 0);
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = 1});
    if (!frame_is_none(frame))
        pmm_free(PMM_KERNEL, frame, 1);
    kfree(seen.kept);
    seen.kept = block;
    seen.allocated += block != NULL && !frame_is_none(frame);
}

/* Where interrupts were off, no interrupt could have come. */
static void step(struct trap_frame *frame)
{
    struct percpu *this = percpu_this();
    seen.steps++;
    if (!(frame->rflags & FLAG_INTERRUPTIBLE))
        return;
    seen.interruptible++;
    percpu_enter_interrupt(this);
    allocate_and_free();
    percpu_leave_interrupt(this);
}

static void start_stepping(void)
{
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "i"(FLAG_TRAP) : "memory", "cc");
}

static void stop_stepping(void)
{
    __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" : : "i"(~FLAG_TRAP) : "memory", "cc");
}

static void step_through(void (*function)(void))
{
    if (percpu_this()->slices_kept < CLASSES)
        ktest_skip("this machine has too little memory for a slice of each class in reserve");
    seen.steps = seen.interruptible = seen.allocated = 0;
    trap_handler *before = trap_handle(TRAP_DEBUG, step);
    start_stepping();
    function();
    stop_stepping();
    trap_handle(TRAP_DEBUG, before);
    kfree(seen.kept);
    seen.kept = NULL;
    KTEST_CHECK(seen.steps > 100 && seen.interruptible > 0);
    KTEST_CHECK(seen.allocated == seen.interruptible);
    memory_check_everything();
}

#define BLOCKS 12

/* Of all ways: from a slab that has room, from a new one, large ones. */
static void kmalloc_and_kfree(void)
{
    static const size_t size[] = {16, 100, 2000, 30000, 200000};
    static void *block[sizeof size / sizeof size[0]][BLOCKS];
    for (unsigned i = 0; i < sizeof size / sizeof size[0]; i++)
        for (unsigned j = 0; j < (size[i] > 10000 ? 2 : BLOCKS); j++)
            block[i][j] = kmalloc(size[i], 0);
    for (unsigned i = 0; i < sizeof size / sizeof size[0]; i++)
        for (unsigned j = 0; j < (size[i] > 10000 ? 2 : BLOCKS); j++)
            kfree(block[i][j]);
}

KTEST(step, kmalloc_and_kfree_can_be_interrupted_anywhere)
{
    step_through(kmalloc_and_kfree);
}

static void frames_alloc_and_free(void)
{
    frame_t frame[FRAME_ORDER_MAX + 1];
    for (unsigned order = 0; order <= 9; order++)
        frame[order] = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = (uint8_t)order});
    for (unsigned order = 0; order <= 9; order++)
        if (!frame_is_none(frame[order]))
            pmm_free(PMM_KERNEL, frame[order], order);
}

KTEST(step, frames_can_be_interrupted_anywhere)
{
    uint64_t free = memory_free_frames();
    step_through(frames_alloc_and_free);
    KTEST_CHECK(memory_free_frames() <= free);
}

static void map_and_unmap(void)
{
    size_t bytes = 3 * PAGE_SIZE;
    intptr_t start = kmmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    if (!is_error(start) &&
        kmprotect((uintptr_t)start + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_EXEC) == 0)
        kmunmap((uintptr_t)start, bytes);
}

KTEST(step, mapping_can_be_interrupted_anywhere)
{
    step_through(map_and_unmap);
}

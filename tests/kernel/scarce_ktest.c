/* SPDX-License-Identifier: MIT */
/* Memory that runs out while other CPUs allocate: what they have at hand is found all the same. */
#include <machine.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/console.h"
#include "kernel/hog.h"
#include "kernel/ktest.h"
#include "kernel/mm/pmm.h"
#include "kernel/smp.h"
#include "lib/alloc/frame_kind.h"
#include "lib/bits.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/memory.h"

#define HELD    128  /* frames that a CPU may have taken again since it was drained */
#define AT_ONCE 4    /* CPUs: the host has few to run them on */
#define LEFT    4096 /* frames, for all */
#define ROUNDS  20

static frame_t taken[LEFT];
static unsigned ready, done; /* atomic */
static uint64_t most_missed;

/* Allocates and frees a frame, again and again. */
static void go_on(void)
{
    cpus_advance(&ready);
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) == 0) {
        frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
        if (!frame_is_none(frame))
            pmm_free(PMM_KERNEL, frame, 0);
    }
}

static void take_all(void)
{
    size_t count = 0;
    while (count < LEFT) {
        taken[count] = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
        if (frame_is_none(taken[count]))
            break;
        count++;
    }
    most_missed = bits_max(most_missed, LEFT - count);
    pmm_free_bulk(PMM_KERNEL, taken, count, 0);
}

static void compete(void *unused)
{
    (void)unused;
    if (cpu_id() != 0) {
        go_on();
        return;
    }
    cpus_await(&ready, (smp_count() < AT_ONCE ? smp_count() : AT_ONCE) - 1);
    for (unsigned i = 0; i < ROUNDS; i++)
        take_all();
    cpus_advance(&done);
}

KTEST(scarce, frames_are_found_while_others_allocate)
{
    cpus_need(2);
    if (memory_free_frames() < 2 * LEFT)
        ktest_skip("this machine has too little memory");
    struct hog hog;
    unsigned count = smp_count() < AT_ONCE ? smp_count() : AT_ONCE;
    ready = done = 0;
    most_missed = 0;
    hog_take(&hog, LEFT, NULL);
    cpus_run(count, compete, NULL);
    hog_release(&hog);
    uint64_t reserve = (uint64_t)pmm_frames()->reserve;
    console_print("# %lu of %u frames were not found, %lu are in reserve\n", most_missed, LEFT,
                  reserve);
    KTEST_CHECK(most_missed <= reserve + (count - 1) * HELD);
    memory_check_everything();
}

/* On CPU 1: has frames at hand, and lets a drain come in the middle of an allocation. */
static void be_busy(void *unused)
{
    (void)unused;
    struct frame_cpu *this = &pmm.frames.cpu[cpu_id()];
    const uint64_t *senders = percpu_this()->senders[MAIL_DRAIN];
    pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, (struct frame_request){0}), 0);
    asm_interrupts_off();
    this->busy = true;
    cpus_advance(&ready);
    while (__atomic_load_n(senders, __ATOMIC_ACQUIRE) == 0)
        asm_pause();
    asm_interrupts_on();
    while (__atomic_load_n(senders, __ATOMIC_ACQUIRE) != 0)
        asm_pause();
    this->busy = false;
}

KTEST(scarce, a_cpu_in_the_middle_of_an_allocation_is_drained_after_it)
{
    cpus_need(2);
    if (pmm.frames.cpu == NULL)
        ktest_skip("this frame allocator keeps nothing at hand");
    ready = 0;
    cpus_start(be_busy, NULL);
    cpus_await(&ready, 1);
    pmm_drain();
    const struct frame_cpu *other = &pmm.frames.cpu[1];
    uint64_t at_hand = other->mask | other->freed | other->credit;
    cpus_wait();
    KTEST_CHECK(at_hand == 0);
}

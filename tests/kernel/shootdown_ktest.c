/* SPDX-License-Identifier: MIT */
/* No CPU uses what the page tables no longer say, and what breaks that is noticed. */
#include "kernel/shootdown.h"

#include <machine.h>

#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/fault.h"
#include "kernel/irq.h"
#include "kernel/ktest.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/mmap.h"
#include "kernel/mm/paging.h"
#include "kernel/mm/pmm.h"
#include "kernel/smp.h"
#include "lib/error.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/memory.h"

#define RW    (PAGE_READ | PAGE_WRITE | PAGE_GLOBAL)
#define TRIES 20 /* a CPU may forget a translation at any time */

/* A page at an address of its own, backed by the first and then the second of two frames, each
 * holding its number. A page beside it keeps the table alive. */
static struct {
    uintptr_t virt;
    frame_t frame[3];
    unsigned step;        /* atomic */
    unsigned value;       /* that the other CPU saw at last */
    volatile unsigned at; /* how often it wrote */
    bool faulted;
} page;

static volatile unsigned *word(void)
{
    return (volatile unsigned *)page.virt;
}

static volatile unsigned *word_of(unsigned index)
{
    return machine_phys_to_virt(phys_of_frame(page.frame[index]));
}

static void map(uintptr_t virt, unsigned index)
{
    bool were_on = lock_take_irq(&aspace_lock);
    int error = paging_map(kspace_paging(), virt, phys_of_frame(page.frame[index]), PAGE_SIZE, RW);
    lock_release_irq(&aspace_lock, were_on);
    KTEST_CHECK(error == 0);
}

static void unmap(uintptr_t virt)
{
    bool were_on = lock_take_irq(&aspace_lock);
    int error = paging_unmap(kspace_paging(), virt, PAGE_SIZE, NULL);
    lock_release_irq(&aspace_lock, were_on);
    KTEST_CHECK(error == 0);
}

static void begin(void)
{
    page.virt = MEMLAYOUT_MMAP_END - 2 * PAGE_SIZE;
    page.step = 0;
    page.faulted = false;
    for (unsigned i = 0; i < 3; i++) {
        page.frame[i] = pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
        KTEST_CHECK(!frame_is_none(page.frame[i]));
        *word_of(i) = i;
    }
    map(page.virt, 0);
    map(page.virt + PAGE_SIZE, 2);
}

/* Precondition: the flaw is gone. Whatever is cached still goes, too. */
static void end(void)
{
    unmap(page.virt);
    unmap(page.virt + PAGE_SIZE);
    for (unsigned i = 0; i < 3; i++)
        pmm_free(PMM_KERNEL, page.frame[i], 0);
}

static void set_flaw(enum shootdown_flaw flaw)
{
    __atomic_store_n(&shootdown_flaw, flaw, __ATOMIC_SEQ_CST);
}

/* The other CPU reads the page before and after it changes. */
static void read_twice(void *unused)
{
    (void)unused;
    page.value = *word();
    cpus_advance(&page.step);
    cpus_await(&page.step, 2);
    page.value = *word();
}

/* What the other CPU reads after the page has changed from frame 0 to frame 1. */
static unsigned read_after_change(void)
{
    begin();
    cpus_start(read_twice, NULL);
    cpus_await(&page.step, 1);
    unmap(page.virt);
    map(page.virt, 1);
    cpus_advance(&page.step);
    cpus_wait();
    set_flaw(SHOOTDOWN_SOUND);
    end();
    return page.value;
}

KTEST(shootdown, changed_page_is_seen_by_another_cpu)
{
    cpus_need(2);
    for (unsigned i = 0; i < TRIES; i++)
        KTEST_CHECK(read_after_change() == 1);
    memory_check_everything();
}

KTEST(shootdown, dropped_flush_is_noticed)
{
    unsigned noticed = 0;
    cpus_need(2);
    if (!LOAM_DEBUG)
        ktest_skip("only debug builds can go wrong on purpose");
    for (unsigned i = 0; i < TRIES; i++) {
        set_flaw(SHOOTDOWN_DROPPED);
        noticed += read_after_change() == 0;
    }
    KTEST_CHECK(noticed > 0);
    memory_check_everything();
}

#define DEAF_MS 20

/* The other CPU writes to the page again and again, at first with interrupts off. */
static void write_deaf(void *unused)
{
    (void)unused;
    uint64_t start = asm_read_tsc();
    asm_interrupts_off();
    cpus_advance(&page.step);
    while (asm_read_tsc() - start < DEAF_MS * tsc_rate())
        *word() = ++page.at;
    asm_interrupts_on();
    for (;;)
        *word() = ++page.at;
}

static void write_until_fault(void *unused)
{
    (void)unused;
    struct fault fault;
    page.faulted = !fault_try(write_deaf, NULL, &fault) && fault.address == page.virt;
}

static void await_writes(void)
{
    unsigned before = page.at;
    for (unsigned i = 0; page.at - before < 1000 && i < 1000000; i++)
        asm_pause();
}

/* True iff the frame behind the page is still being written after the page was unmapped. */
static bool written_after_unmap(void)
{
    begin();
    cpus_start(write_until_fault, NULL);
    cpus_await(&page.step, 1);
    await_writes();
    unmap(page.virt);
    unsigned before = *word_of(0);
    await_writes();
    bool written = *word_of(0) != before;
    cpus_wait();
    set_flaw(SHOOTDOWN_SOUND);
    map(page.virt, 0);
    end();
    KTEST_CHECK(page.faulted);
    return written;
}

KTEST(shootdown, frame_is_nobodys_after_the_acknowledgements)
{
    cpus_need(2);
    KTEST_CHECK(!written_after_unmap());
    memory_check_everything();
}

KTEST(shootdown, frame_that_is_free_before_the_acknowledgements_is_noticed)
{
    unsigned noticed = 0;
    cpus_need(2);
    if (!LOAM_DEBUG)
        ktest_skip("only debug builds can go wrong on purpose");
    for (unsigned i = 0; i < TRIES && noticed == 0; i++) {
        set_flaw(SHOOTDOWN_NOT_AWAITED);
        noticed += written_after_unmap();
    }
    KTEST_CHECK(noticed > 0);
    memory_check_everything();
}

static void read_once(void *unused)
{
    (void)unused;
    page.value = *word();
}

static void await_sleep(const struct percpu *area)
{
    while (__atomic_load_n(&area->sleep, __ATOMIC_ACQUIRE) == CPU_AWAKE)
        asm_pause();
}

KTEST(shootdown, sleeping_cpu_is_left_alone_and_flushes_when_it_wakes)
{
    cpus_need(2);
    const struct percpu *sleeper = percpu_get(1);
    begin();
    cpus_start(read_once, NULL);
    cpus_wait();
    KTEST_CHECK(page.value == 0);
    await_sleep(sleeper);
    uint64_t flushes = irq_count(sleeper, IRQ_FLUSH);
    unmap(page.virt);
    map(page.virt, 1);
    KTEST_CHECK(irq_count(sleeper, IRQ_FLUSH) == flushes);
    KTEST_CHECK(__atomic_load_n(&sleeper->sleep, __ATOMIC_ACQUIRE) == CPU_STALE);
    cpus_start(read_once, NULL);
    cpus_wait();
    KTEST_CHECK(page.value == 1);
    end();
    memory_check_everything();
}

KTEST(shootdown, sleeping_cpu_flushes_before_it_handles_what_wakes_it)
{
    cpus_need(2);
    begin();
    smp_call(1, read_once, NULL);
    KTEST_CHECK(page.value == 0);
    await_sleep(percpu_get(1));
    unmap(page.virt);
    map(page.virt, 1);
    smp_call(1, read_once, NULL);
    KTEST_CHECK(page.value == 1);
    end();
}

/* A table that ends is flushed even by a sleeper: a CPU may walk tables at any time. */
KTEST(shootdown, sleeping_cpu_is_woken_for_a_table)
{
    cpus_need(2);
    const struct percpu *sleeper = percpu_get(1);
    begin();
    await_sleep(sleeper);
    uint64_t flushes = irq_count(sleeper, IRQ_FLUSH);
    end();
    KTEST_CHECK(irq_count(sleeper, IRQ_FLUSH) == flushes + 1);
}

/* Two CPUs map, write and unmap at once: each waits for the other's answer. */
#define ROUNDS 25
#define PAGES  70

static void map_and_unmap(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t bytes = (i % 2 == 0 ? 1 : PAGES) * PAGE_SIZE;
        intptr_t start = kmmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        KTEST_CHECK(!is_error(start));
        for (size_t at = 0; at < bytes; at += PAGE_SIZE)
            *(volatile unsigned *)(start + (intptr_t)at) = cpu_id() + 1;
        for (size_t at = 0; at < bytes; at += PAGE_SIZE)
            KTEST_CHECK(*(volatile unsigned *)(start + (intptr_t)at) == cpu_id() + 1);
        KTEST_CHECK(kmunmap((uintptr_t)start, bytes) == 0);
    }
}

KTEST(shootdown, cpus_that_shoot_at_each_other_all_get_their_answers)
{
    uint64_t free = memory_free_frames();
    cpus_run(smp_count() < 4 ? smp_count() : 4, map_and_unmap, NULL);
    KTEST_CHECK(memory_free_frames() == free);
    memory_check_everything();
}

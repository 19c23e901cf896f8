/* SPDX-License-Identifier: MIT */
/* Benchmarks of locks, interrupts, and of what CPUs ask of each other. */
#include <machine.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/bench.h"
#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/memlayout.h"
#include "kernel/smp.h"

#define PAIRS 10000
#define BATCH 1000

static struct lock lock;

static void lock_begin(uint64_t argument)
{
    (void)argument;
    lock_init(&lock, "benchmarks", LOCK_OUTER);
}

static void lock_pair(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < PAIRS; i++) {
        lock_take(&lock);
        lock_release(&lock);
    }
}

static void lock_irq_pair(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < PAIRS; i++) {
        bool were_on = lock_take_irq(&lock);
        lock_release_irq(&lock, were_on);
    }
}

/* An interrupt that nobody handles, from the instruction before its entry to the one after it. */
static void irq_entry_exit(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < PAIRS; i++)
        __asm__ volatile("int %0" : : "i"(IRQ_WAKE) : "memory");
}

/* With another CPU, which is kept awake meanwhile. */

static bool stop; /* atomic */

static void stay_awake(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
        asm_pause();
}

static void wake_other(uint64_t argument)
{
    (void)argument;
    __atomic_store_n(&stop, false, __ATOMIC_RELEASE);
    smp_start(1, stay_awake, NULL);
}

static void release_other(uint64_t argument)
{
    (void)argument;
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    smp_wait(1);
}

static void do_nothing(void *unused)
{
    (void)unused;
}

static void ipi_roundtrip(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < BATCH; i++)
        smp_call(1, do_nothing, NULL);
}

static void shoot(uint64_t pages)
{
    struct machine_flush flush = {.count = (unsigned)pages, .page = {MEMLAYOUT_MMAP_START}};
    for (unsigned i = 0; i < BATCH; i++)
        machine_flush(&flush);
}

static void nothing(uint64_t argument)
{
    (void)argument;
}

const struct bench bench_smp[] = {
    {"smp.lock_pair", lock_pair, 0, PAIRS, lock_begin, nothing},
    {"smp.lock_irq_pair", lock_irq_pair, 0, PAIRS, lock_begin, nothing},
    {"smp.irq_entry_exit", irq_entry_exit, 0, PAIRS, nothing, nothing},
    {0},
};

const struct bench bench_smp_two[] = {
    {"smp.ipi_roundtrip", ipi_roundtrip, 0, BATCH, wake_other, release_other},
    {"smp.shootdown_1", shoot, 1, BATCH, wake_other, release_other},
    {"smp.shootdown_512", shoot, 512, BATCH, wake_other, release_other},
    {0},
};

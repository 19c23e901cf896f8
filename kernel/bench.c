/* SPDX-License-Identifier: MIT */
/* Benchmarks of frames, heap, locks and interrupts, under the names that Linux's figures have. */
#include "kernel/bench.h"

#include <stddef.h>
#include <stdint.h>

#include <machine.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/console.h"
#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/memlayout.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pmm.h"
#include "kernel/smp.h"
#include "lib/string.h"

#define PAIRS 10000
#define BATCH 1000

static void frame_pair(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order};
    for (unsigned i = 0; i < PAIRS; i++)
        pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, request), (unsigned)order);
}

static void frame_zeroed_pair(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order, .flags = FRAME_ZERO};
    for (unsigned i = 0; i < PAIRS; i++)
        pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, request), (unsigned)order);
}

static void kmalloc_pair(uint64_t size)
{
    for (unsigned i = 0; i < PAIRS; i++)
        kfree(kmalloc(size, 0));
}

static void *blocks[BATCH]; /* of the batch benchmarks; empty before and after each */

static void kmalloc_batch_alloc(uint64_t size)
{
    for (unsigned i = 0; i < BATCH; i++)
        blocks[i] = kmalloc(size, 0);
}

static void kmalloc_batch_free(uint64_t size)
{
    (void)size;
    for (unsigned i = 0; i < BATCH; i++)
        kfree(blocks[i]);
}

static struct lock lock; /* of the lock benchmarks */

static void lock_begin(uint64_t argument)
{
    (void)argument;
    lock_init(&lock, "benchmarks", LOCK_CALL);
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

static const struct bench {
    const char *name;
    void (*run)(uint64_t argument);
    uint64_t argument;
    unsigned operations;
    void (*before)(uint64_t argument); /* these two are not measured */
    void (*after)(uint64_t argument);
} benches[] = {
    {"frame.pair.0", frame_pair, 0, PAIRS, nothing, nothing},
    {"frame.pair.3", frame_pair, 3, PAIRS, nothing, nothing},
    {"frame.pair.9", frame_pair, 9, PAIRS, nothing, nothing},
    {"frame.zeroed_pair.0", frame_zeroed_pair, 0, PAIRS, nothing, nothing},
    {"kmalloc.pair.16", kmalloc_pair, 16, PAIRS, nothing, nothing},
    {"kmalloc.pair.64", kmalloc_pair, 64, PAIRS, nothing, nothing},
    {"kmalloc.pair.256", kmalloc_pair, 256, PAIRS, nothing, nothing},
    {"kmalloc.pair.1024", kmalloc_pair, 1024, PAIRS, nothing, nothing},
    {"kmalloc.pair.4096", kmalloc_pair, 4096, PAIRS, nothing, nothing},
    {"kmalloc.batch_alloc.64", kmalloc_batch_alloc, 64, BATCH, nothing, kmalloc_batch_free},
    {"kmalloc.batch_free.64", kmalloc_batch_free, 64, BATCH, kmalloc_batch_alloc, nothing},
    {"smp.lock_pair", lock_pair, 0, PAIRS, lock_begin, nothing},
    {"smp.lock_irq_pair", lock_irq_pair, 0, PAIRS, lock_begin, nothing},
    {"smp.irq_entry_exit", irq_entry_exit, 0, PAIRS, nothing, nothing},
    {"smp.ipi_roundtrip", ipi_roundtrip, 0, BATCH, wake_other, release_other},
    {"smp.shootdown_1", shoot, 1, BATCH, wake_other, release_other},
    {"smp.shootdown_512", shoot, 512, BATCH, wake_other, release_other},
};

bool bench_run(const char *prefix)
{
    bool any = false;
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        const struct bench *bench = &benches[i];
        if (prefix != NULL && strncmp(bench->name, prefix, strlen(prefix)) != 0)
            continue;
        any = true;
        if (bench->before == wake_other && smp_count() < 2)
            continue; /* there is no other CPU */
        bench->before(bench->argument);
        uint64_t start = asm_read_tsc();
        bench->run(bench->argument);
        uint64_t ticks = asm_read_tsc() - start;
        bench->after(bench->argument);
        console_print("bench: %s %lu ticks\n", bench->name, ticks / bench->operations);
    }
    if (!any)
        console_print("bench: there are none named %s\n", prefix);
    return any;
}

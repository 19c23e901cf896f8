/* SPDX-License-Identifier: MIT */
/*
 * The storm: all CPUs allocate and free at once, each what others allocated, while timers, other
 * CPUs and NMIs interrupt them, and handlers allocate and free as well.
 */
#include <machine.h>

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/console.h"
#include "kernel/irq.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mmap.h"
#include "kernel/mm/pmm.h"
#include "kernel/nmi.h"
#include "kernel/smp.h"
#include "lib/error.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/memory.h"

#define AT_ONCE      4 /* CPUs: the host has few to run them on */
#define SLOTS        256
#define BLOCK_MAX    2048
#define TIMER_SECOND 1000 /* the part of a second after which a timer comes */
#define MAPPED_PAGES 3
#define IRQ_STORM    0xd0
#define ORDERS       4

/* What happens, and how often: operations of all CPUs, and what comes once in so many. */
struct storm {
    uint64_t operations;
    uint64_t shootdowns; /* at most; each may take some 20 ms. 0: frames only, no heap */
    uint64_t timer_every, call_every, map_every, nmi_every;
};

/* What is written at the start of everything that is handed over. */
struct cargo {
    uint64_t bytes;
    uint64_t check; /* ~bytes; and the last byte of all is a copy of its lowest */
};

/* Each slot holds something that somebody allocated and anybody may free: atomic. */
static struct {
    struct cargo *block[SLOTS];
    struct cargo *mapping[SLOTS];
    uint64_t frame[ORDERS][SLOTS]; /* number of the first; 0: none */
} shared;

/* Per CPU, with interrupts counted apart: a handler must not break what it interrupts. */
static struct tally {
    uint64_t random;
    uint64_t taken, freed, failed, interrupts;
} tally[CPU_MAX][2];

static const struct storm *storm;
static uint64_t mappings_left; /* atomic */

static struct tally *my_tally(void)
{
    return &tally[cpu_id()][percpu_this()->interrupts > 0];
}

/* xorshift64 (Marsaglia, 2003). */
static uint64_t next_random(struct tally *mine)
{
    mine->random ^= mine->random << 13;
    mine->random ^= mine->random >> 7;
    mine->random ^= mine->random << 17;
    return mine->random;
}

static void load(struct cargo *cargo, uint64_t bytes)
{
    *cargo = (struct cargo){bytes, ~bytes};
    ((unsigned char *)cargo)[bytes - 1] = (unsigned char)bytes;
}

static void inspect(const struct cargo *cargo)
{
    KTEST_CHECK(cargo->check == ~cargo->bytes);
    KTEST_CHECK(((const unsigned char *)cargo)[cargo->bytes - 1] == (unsigned char)cargo->bytes);
}

/* Puts a new block into a slot, and frees what was there. */
static void swap_block(struct tally *mine)
{
    uint64_t bytes = sizeof(struct cargo) + 1 + next_random(mine) % BLOCK_MAX;
    struct cargo *block = kmalloc(bytes, 0);
    mine->taken += block != NULL;
    mine->failed += block == NULL;
    if (block != NULL)
        load(block, bytes);
    block = __atomic_exchange_n(&shared.block[next_random(mine) % SLOTS], block, __ATOMIC_ACQ_REL);
    if (block == NULL)
        return;
    inspect(block);
    kfree(block);
    mine->freed++;
}

static struct cargo *cargo_of(uint64_t frame)
{
    return machine_phys_to_virt(phys_of_frame((frame_t){frame}));
}

static void swap_frames(struct tally *mine)
{
    unsigned order = next_random(mine) % ORDERS;
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = (uint8_t)order});
    uint64_t number = frame_is_none(frame) ? 0 : frame.number;
    mine->taken += number != 0;
    mine->failed += number == 0;
    if (number != 0)
        load(cargo_of(number), PAGE_SIZE << order);
    number = __atomic_exchange_n(&shared.frame[order][next_random(mine) % SLOTS], number,
                                 __ATOMIC_ACQ_REL);
    if (number == 0)
        return;
    inspect(cargo_of(number));
    pmm_free(PMM_KERNEL, (frame_t){number}, order);
    mine->freed++;
}

/* Each mapping that ends is a shootdown. */
static void swap_mapping(struct tally *mine)
{
    uint64_t bytes = MAPPED_PAGES * PAGE_SIZE;
    intptr_t start = kmmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    struct cargo *mapping = is_error(start) ? NULL : (struct cargo *)start;
    mine->taken += mapping != NULL;
    mine->failed += mapping == NULL;
    if (mapping != NULL)
        load(mapping, bytes);
    mapping =
        __atomic_exchange_n(&shared.mapping[next_random(mine) % SLOTS], mapping, __ATOMIC_ACQ_REL);
    if (mapping == NULL)
        return;
    inspect(mapping);
    KTEST_CHECK(kmunmap((uintptr_t)mapping, mapping->bytes) == 0);
    mine->freed++;
}

/* The handler of other CPUs' interrupts and of timers. */
static void interrupted(struct trap_frame *frame)
{
    (void)frame;
    struct tally *mine = my_tally();
    mine->interrupts++;
    if (storm->shootdowns > 0)
        swap_block(mine);
    swap_frames(mine);
}

/* The next comes when the interrupted CPU has got on: handlers may wait longer for locks than any
 * period that the timer could have. */
static void timer_came(struct trap_frame *frame)
{
    irq_timer_start(0);
    interrupted(frame);
}

/* Takes one of the mappings that may be made yet. */
static bool may_map(void)
{
    uint64_t left = __atomic_load_n(&mappings_left, __ATOMIC_RELAXED);
    while (left > 0)
        if (__atomic_compare_exchange_n(&mappings_left, &left, left - 1, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

static void disturb(struct tally *mine, uint64_t operation)
{
    unsigned number = (unsigned)(next_random(mine) % smp_count());
    if (operation % storm->timer_every == 0)
        irq_timer_start(TIMER_SECOND);
    if (operation % storm->call_every == 0)
        apic_send((uint8_t)percpu_get(number)->apic_id, IRQ_STORM);
    if (operation % storm->nmi_every == 0 && cpu_id() == 0)
        nmi_send(number);
}

static void rage(void *unused)
{
    (void)unused;
    struct tally *mine = my_tally();
    uint64_t each = (storm->operations + smp_count() - 1) / smp_count();
    for (uint64_t i = 0; i < each; i++) {
        if (storm->shootdowns > 0 && next_random(mine) % 4 != 0)
            swap_block(mine);
        else
            swap_frames(mine);
        if (i % storm->map_every == 0 && may_map())
            swap_mapping(mine);
        disturb(mine, i);
    }
    irq_timer_start(0);
}

static void free_what_is_left(struct tally *mine)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (shared.block[i] != NULL) {
            inspect(shared.block[i]);
            kfree(shared.block[i]);
            mine->freed++;
        }
        if (shared.mapping[i] != NULL) {
            inspect(shared.mapping[i]);
            KTEST_CHECK(kmunmap((uintptr_t)shared.mapping[i], shared.mapping[i]->bytes) == 0);
            mine->freed++;
        }
        for (unsigned order = 0; order < ORDERS; order++) {
            if (shared.frame[order][i] == 0)
                continue;
            inspect(cargo_of(shared.frame[order][i]));
            pmm_free(PMM_KERNEL, (frame_t){shared.frame[order][i]}, order);
            mine->freed++;
        }
    }
}

static struct tally sum_up(void)
{
    struct tally sum = {0};
    for (unsigned i = 0; i < 2 * smp_count(); i++) {
        sum.taken += tally[i / 2][i % 2].taken;
        sum.freed += tally[i / 2][i % 2].freed;
        sum.failed += tally[i / 2][i % 2].failed;
        sum.interrupts += tally[i / 2][i % 2].interrupts;
    }
    return sum;
}

static void prepare(const struct storm *coming)
{
    shared = (typeof(shared)){0};
    for (unsigned i = 0; i < CPU_MAX; i++)
        for (unsigned context = 0; context < 2; context++)
            tally[i][context] = (struct tally){.random = 2 * i + context + 1};
    storm = coming;
    mappings_left = storm->shootdowns;
}

static void nothing(void *unused)
{
    (void)unused;
}

/* A handler that is still running when its vector loses it ends before its CPU takes a call. */
static void let_loose(const struct storm *coming)
{
    prepare(coming);
    irq_handler *before = irq_handle(IRQ_TIMER, irq_name(IRQ_TIMER), timer_came);
    irq_handle(IRQ_STORM, "storm", interrupted);
    cpus_run_in_turns(AT_ONCE, rage, NULL);
    irq_handle(IRQ_STORM, NULL, NULL);
    irq_handle(IRQ_TIMER, irq_name(IRQ_TIMER), before);
    irq_timer_start(IRQ_TICKS);
    smp_call_all(nothing, NULL);
    free_what_is_left(&tally[0][0]);
}

static void survive(const struct storm *coming)
{
    if (!apic_is_in_use())
        ktest_skip("this machine uses no APIC");
    let_loose(coming);
    struct tally sum = sum_up();
    console_print("# %lu taken, %lu freed, %lu not to be had; %lu interrupts\n", sum.taken,
                  sum.freed, sum.failed, sum.interrupts);
    KTEST_CHECK(sum.taken == sum.freed);
    KTEST_CHECK(sum.interrupts > 0);
    memory_check_everything();
}

/* The slower, the more CPUs wait for the lock of the heap. */
KTEST(storm, cpus_free_what_others_allocate)
{
    static const struct storm brief = {4000, 200, 16, 32, 16, 128};
    static const struct storm lasting = {1000000, 1000, 64, 128, 128, 4096};
    survive(ktest_is_long() ? &lasting : &brief);
}

/* Where most CPUs wait for their turn, halted, each interrupt has to wake the host's thread. */
KTEST(storm, cpus_free_frames_that_others_allocate)
{
    static const struct storm dispersed = {100000, 0, 64, 128, 1, 4096};
    static const struct storm brief = {1000000, 0, 64, 128, 1, 4096};
    static const struct storm lasting = {100000000, 0, 64, 128, 1, 4096};
    survive(ktest_is_long() ? &lasting : smp_count() > AT_ONCE ? &dispersed : &brief);
}

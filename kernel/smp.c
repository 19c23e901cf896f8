/* SPDX-License-Identifier: MIT */
/*
 * Starting CPUs. All are reset first of all, since firmware may have left them spinning; while they
 * get over it they are prepared (area, stacks), then told to start at the trampoline's page, and
 * waited for. Who stays silent is told once more, and in the end reset for good, so that it does
 * not wake up in a page that has become somebody else's.
 */
#include "kernel/smp.h"

#include <machine.h>
#include <stddef.h>

#include "kernel/acpi_madt.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/gdt.h"
#include "kernel/arch/x86_64/idle.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/trampoline.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/irq.h"
#include "kernel/log.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmalloc_cpu.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"

#define RESET_US    10000 /* what a CPU takes to reset (Intel SDM vol. 3A, 9.4.4.1) */
#define FIRST_MS    200   /* before a silent CPU is told again to start */
#define PATIENCE_MS 1000  /* for all to start, */
#define EACH_MS     20    /* and for each of them: an emulator may run them one after the other */

/* trampoline.S calls it on each CPU that starts. */
_Noreturn void smp_main(struct percpu *area);

static enum cpu_state state_of(const struct percpu *area)
{
    return __atomic_load_n(&area->state, __ATOMIC_ACQUIRE);
}

/* True iff the CPU was in state `from`. */
static bool change_state(struct percpu *area, uint32_t from, enum cpu_state to)
{
    return __atomic_compare_exchange_n(&area->state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

bool smp_is_online(unsigned number)
{
    const struct percpu *area = percpu_get(number);
    return area != NULL && state_of(area) == CPU_ONLINE;
}

static unsigned count_in(enum cpu_state state)
{
    unsigned count = 0;
    for (unsigned i = 0; i < percpu_count(); i++)
        count += state_of(percpu_get(i)) == state;
    return count;
}

unsigned smp_count(void)
{
    return count_in(CPU_ONLINE);
}

/* The CPU that starts */

static _Noreturn void idle(struct percpu *this)
{
    for (;;) {
        asm_interrupts_off();
        void (*function)(void *) = __atomic_load_n(&this->job, __ATOMIC_ACQUIRE);
        if (function == NULL) {
            idle_sleep();
            continue;
        }
        asm_interrupts_on();
        function(this->job_argument);
        __atomic_store_n(&this->job, NULL, __ATOMIC_RELEASE);
    }
}

/* Until it is online nobody tells it what to flush. */
_Noreturn void smp_main(struct percpu *area)
{
    cpu_enable();
    gdt_load(area);
    trap_load();
    irq_init_cpu();
    if (!change_state(area, CPU_STARTING, CPU_ONLINE))
        asm_halt();
    machine_flush_all_here();
    idle(area);
}

/* The CPU that starts others */

static bool is_known(uint8_t apic_id)
{
    for (unsigned i = 0; i < percpu_count(); i++)
        if (percpu_get(i)->apic_id == apic_id)
            return true;
    return false;
}

/* An area, heaps and stacks. False if there is no memory for them, or no more than `leave` frames
 * are. */
static bool prepare(uint8_t apic_id, uint64_t leave)
{
    if (pmm_account().free <= leave || percpu_count() == CPU_MAX)
        return false;
    struct percpu *area = kmalloc_aligned(sizeof *area, _Alignof(struct percpu), KM_ZERO);
    struct kmalloc_heaps *heaps = area != NULL ? kmalloc_make_heaps() : NULL;
    if (heaps == NULL) {
        kfree(area);
        return false;
    }
    percpu_add(area, apic_id);
    if (kspace_map_stacks(area->id) != 0) {
        percpu_remove_last();
        kfree(heaps);
        kfree(area);
        return false;
    }
    kmalloc_give_heaps(area, heaps);
    trampoline_expect(apic_id, area);
    return true;
}

/* Returns how many there are besides this one. */
static size_t reset_all(const struct madt *madt)
{
    size_t count = 0;
    for (size_t i = 0; i < madt->cpu_count; i++) {
        if (is_known(madt->apic_id[i]))
            continue;
        apic_send_init(madt->apic_id[i]);
        count++;
    }
    return count;
}

/* The CPUs may take half of the memory, and no more. */
static void prepare_all(const struct madt *madt)
{
    uint64_t leave = pmm_account().free / 2;
    size_t failed = 0;
    for (size_t i = 0; i < madt->cpu_count; i++)
        if (!is_known(madt->apic_id[i]))
            failed += !prepare(madt->apic_id[i], leave);
    if (failed > 0)
        log_print("smp", "no memory to start %zu CPUs", failed);
}

static void start_all(uint8_t page)
{
    for (unsigned i = 0; i < percpu_count(); i++)
        if (state_of(percpu_get(i)) == CPU_STARTING)
            apic_send_startup((uint8_t)percpu_get(i)->apic_id, page);
}

static void wait_for_starting(uint64_t milliseconds)
{
    uint64_t start = asm_read_tsc(), ticks = milliseconds * tsc_rate();
    while (count_in(CPU_STARTING) > 0 && asm_read_tsc() - start < ticks)
        asm_pause();
}

/* Those that did not answer. If one does so at the last moment, it is welcome. */
static void give_up(void)
{
    for (unsigned i = 0; i < percpu_count(); i++) {
        struct percpu *area = percpu_get(i);
        if (!change_state(area, CPU_STARTING, CPU_LEFT_OUT))
            continue;
        apic_send_init((uint8_t)area->apic_id);
        trampoline_expect((uint8_t)area->apic_id, NULL);
        log_print("smp", "CPU %u (APIC id %u) does not answer and is left out", area->id,
                  area->apic_id);
    }
}

static void start_prepared(uint8_t page)
{
    for (unsigned i = 0; i < percpu_count(); i++)
        change_state(percpu_get(i), CPU_PREPARED, CPU_STARTING);
    start_all(page);
    wait_for_starting(FIRST_MS);
    start_all(page);
    wait_for_starting(PATIENCE_MS + EACH_MS * percpu_count());
    give_up();
}

/* Where the trampoline's page can be. The CPUs' own memory comes later: it may be all there is. */
static frame_t take_page(void)
{
    struct frame_request request = {.below = TRAMPOLINE_CEILING};
    frame_t frame = pmm_alloc(PMM_KERNEL, request);
    if (frame_is_none(frame))
        return FRAME_NONE;
    if (kspace_map_identity(frame, PAGE_READ | PAGE_EXEC))
        return frame;
    pmm_free(PMM_KERNEL, frame, 0);
    return FRAME_NONE;
}

/* The page is mapped where it is, for as long as it is needed. */
static void start_others(const struct madt *madt, uint64_t reset_at)
{
    frame_t page = take_page();
    if (frame_is_none(page)) {
        log_print("smp", "no other CPU is started: there is no memory below 1 MiB");
        return;
    }
    trampoline_fill(machine_phys_to_virt(phys_of_frame(page)), page, kspace_paging()->root);
    prepare_all(madt);
    tsc_wait_since(reset_at, RESET_US);
    start_prepared((uint8_t)page.number);
    kspace_unmap_identity(page);
    pmm_free(PMM_KERNEL, page, 0);
}

void smp_init(const struct madt *madt)
{
    if (madt == NULL)
        return;
    percpu_this()->apic_id = apic_id();
    if (madt->out_of_reach > 0)
        log_print("smp", "%zu CPUs are not started: only an x2APIC reaches them",
                  madt->out_of_reach);
    if (reset_all(madt) > 0)
        start_others(madt, asm_read_tsc());
    log_print("smp", "%u of %zu CPUs", smp_count(), madt->cpu_count + madt->out_of_reach);
}

/* Work */

void smp_start(unsigned number, void (*function)(void *argument), void *argument)
{
    struct percpu *area = percpu_get(number);
    if (!smp_is_online(number) || number == cpu_id() || number == 0)
        panic("smp_start: CPU %u is not one to be given work", number);
    if (__atomic_load_n(&area->job, __ATOMIC_ACQUIRE) != NULL)
        panic("smp_start: CPU %u has work to do", number);
    area->job_argument = argument;
    __atomic_store_n(&area->job, function, __ATOMIC_RELEASE);
    apic_send((uint8_t)area->apic_id, IRQ_WAKE);
}

void smp_wait(unsigned number)
{
    while (__atomic_load_n(&percpu_get(number)->job, __ATOMIC_ACQUIRE) != NULL)
        asm_pause();
}

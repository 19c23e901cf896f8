/* SPDX-License-Identifier: MIT */
/* CPUs start, work, call each other, and stay silent. */
#include "kernel/acpi_madt.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/irq.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/mm/kspace.h"
#include "kernel/nmi.h"
#include "kernel/smp.h"
#include "kernel/topology.h"
#include "lib/alloc/frame_kind.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/memory.h"

KTEST(smp, every_cpu_of_the_firmware_is_online)
{
    const struct madt *madt = topology_madt();
    if (madt == NULL || !apic_is_in_use())
        ktest_skip("this machine has no MADT, or uses no APIC");
    KTEST_CHECK(smp_count() == madt->cpu_count);
    for (unsigned i = 0; i < percpu_count(); i++)
        KTEST_CHECK(smp_is_online(i));
}

/* What a CPU finds when it looks at itself. */
static void look_around(void *seen)
{
    uintptr_t rsp = (uintptr_t)__builtin_frame_address(0);
    struct stack stack;
    KTEST_CHECK(percpu_this() == percpu_get(cpu_id()));
    KTEST_CHECK(!apic_is_in_use() || percpu_this()->apic_id == apic_id());
    KTEST_CHECK(stack_find(rsp, &stack) && rsp >= stack.low);
    KTEST_CHECK(stack.cpu == cpu_id());
    KTEST_CHECK(asm_interrupts_are_on() && percpu_this()->interrupts == 0);
    KTEST_CHECK(asm_read_cr3() == kspace_paging()->root.addr);
    cpus_advance(&((unsigned *)seen)[cpu_id()]);
}

KTEST(smp, every_cpu_has_its_own_area_and_stack)
{
    static unsigned seen[CPU_MAX];
    for (unsigned i = 0; i < CPU_MAX; i++)
        seen[i] = 0;
    cpus_run(smp_count(), look_around, seen);
    for (unsigned i = 0; i < smp_count(); i++)
        KTEST_CHECK(seen[i] == 1);
}

static void look_at_protections(void *boot_cpu)
{
    struct cpu_protections here = cpu_protections();
    const struct cpu_protections *there = boot_cpu;
    KTEST_CHECK(here.nx == there->nx && here.write_protect == there->write_protect);
    KTEST_CHECK(here.smep == there->smep && here.smap == there->smap && here.umip == there->umip);
}

KTEST(smp, protections_are_on_everywhere)
{
    struct cpu_protections boot_cpu = cpu_protections();
    cpus_run(smp_count(), look_at_protections, &boot_cpu);
}

/* Calls */

static void count_call(void *calls)
{
    KTEST_CHECK(!asm_interrupts_are_on() && percpu_this()->interrupts == 1);
    __atomic_fetch_add(&((unsigned *)calls)[cpu_id()], 1, __ATOMIC_RELAXED);
}

KTEST(smp, call_runs_where_it_should_and_nowhere_else)
{
    unsigned calls[CPU_MAX] = {0};
    for (unsigned i = 0; i < smp_count(); i++) {
        smp_call(i, count_call, calls);
        KTEST_CHECK(calls[i] == 1);
        KTEST_CHECK(i + 1 == CPU_MAX || calls[i + 1] == 0);
    }
    smp_call_all(count_call, calls);
    for (unsigned i = 0; i < smp_count(); i++)
        KTEST_CHECK(calls[i] == 2);
    KTEST_CHECK(asm_interrupts_are_on() && percpu_this()->interrupts == 0);
}

#define CALLS 20

static void call_all(void *calls)
{
    for (unsigned i = 0; i < CALLS; i++)
        smp_call_all(count_call, calls);
}

KTEST(smp, cpus_that_call_each_other_all_get_their_answers)
{
    static unsigned calls[CPU_MAX];
    unsigned cpus = smp_count() < 4 ? smp_count() : 4;
    for (unsigned i = 0; i < CPU_MAX; i++)
        calls[i] = 0;
    cpus_run(cpus, call_all, calls);
    for (unsigned i = 0; i < smp_count(); i++)
        KTEST_CHECK(calls[i] == cpus * CALLS);
}

static void call_with_interrupts_off(void *unused)
{
    (void)unused;
    asm_interrupts_off();
    smp_call(0, count_call, NULL);
}

KTEST(smp, waiting_for_a_call_with_interrupts_off_panics)
{
    struct fault fault;
    KTEST_CHECK(!fault_try(call_with_interrupts_off, NULL, &fault));
    KTEST_CHECK(fault.vector == FAULT_PANIC && asm_interrupts_are_on());
}

/* Interrupts */

#define TICKS_A_SECOND 100

static void start_timer(void *unused)
{
    (void)unused;
    irq_timer_start(TICKS_A_SECOND);
}

static void stop_timer(void *unused)
{
    (void)unused;
    irq_timer_start(0);
}

KTEST(smp, timer_of_every_cpu_ticks)
{
    if (!apic_is_in_use())
        ktest_skip("this machine uses no APIC");
    for (unsigned i = 1; i < smp_count() && i < 4; i++) {
        const struct percpu *area = percpu_get(i);
        uint64_t before = irq_count(area, IRQ_TIMER);
        smp_call(i, start_timer, NULL);
        while (irq_count(area, IRQ_TIMER) < before + 3)
            asm_pause();
        smp_call(i, stop_timer, NULL);
    }
    while (irq_count(percpu_get(0), IRQ_TIMER) == 0)
        asm_pause();
}

KTEST(smp, nmis_are_taken_and_counted)
{
    if (!apic_is_in_use())
        ktest_skip("this machine uses no APIC");
    for (unsigned i = 0; i < smp_count(); i++) {
        uint32_t before = percpu_get(i)->nmis_taken;
        nmi_send(i);
        nmi_send(i);
        KTEST_CHECK(percpu_get(i)->nmis_taken == before + 2);
    }
}

/* An NMI may come between two instructions that enter or leave the kernel, in ring 0, while gs is
 * the user's: its handler must find its own CPU all the same. */
KTEST(smp, nmi_with_the_gs_of_a_user_finds_the_kernels)
{
    if (!apic_is_in_use())
        ktest_skip("this machine uses no APIC");
    struct percpu *this = percpu_this();
    uint32_t before = this->nmis_taken;
    asm_interrupts_off();
    this->nmi_sent = 1;
    __asm__ volatile("swapgs; int %0; swapgs" : : "i"(TRAP_NMI) : "memory");
    asm_interrupts_on();
    KTEST_CHECK(this->nmis_taken == before + 1);
    KTEST_CHECK(percpu_this() == this);
}

static void nothing(void *unused)
{
    (void)unused;
}

/* A CPU that is not there stays silent. It keeps a number, but is never waited for again. */
KTEST(smp, cpu_that_does_not_answer_is_left_out)
{
    const struct madt *madt = topology_madt();
    if (madt == NULL || !apic_is_in_use() || percpu_count() == CPU_MAX)
        ktest_skip("this machine has no MADT, uses no APIC, or has no more room for CPUs");
    static struct madt more;
    unsigned online = smp_count(), number = percpu_count();
    more = *madt;
    more.apic_id[more.cpu_count++] = 254;
    smp_init(&more);
    KTEST_CHECK(smp_count() == online);
    if (percpu_get(number) == NULL && !frame_kind.keeps_low)
        ktest_skip("this frame allocator has given away all memory below 1 MiB");
    KTEST_CHECK(percpu_get(number) != NULL && !smp_is_online(number));
    smp_call_all(nothing, NULL);
    memory_check_everything();
}

/* SPDX-License-Identifier: MIT */
/* A stack that overflows is reported by its name and its CPU, whichever it is. */
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/crash.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/smp.h"
#include "lib/format.h"
#include "lib/string.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/memory.h"

/* On the stack that its vector has for itself. */
static void overflow(struct trap_frame *frame)
{
    (void)frame;
    crash_find("stack")(NULL);
}

static void raise_nmi(void *unused)
{
    (void)unused;
    __asm__ volatile("int %0" : : "i"(TRAP_NMI));
}

static void raise_machine_check(void *unused)
{
    (void)unused;
    __asm__ volatile("int %0" : : "i"(TRAP_MACHINE_CHECK));
}

/* Overflows the main stack first; the report of that is what overflows the next. */
static void raise_double_fault(void *unused)
{
    (void)unused;
    crash_find("stack")(NULL);
}

static void expect(unsigned number, enum stack_kind kind, void (*raise)(void *))
{
    char wanted[160];
    struct fault fault;
    struct stack stack = stack_get(number, kind);
    KTEST_CHECK(!cpus_try(number, raise, NULL, &fault));
    format_text(wanted, sizeof wanted, "double fault: the %s stack of CPU %u has overflowed",
                stack.name, number);
    KTEST_CHECK(strncmp(fault.reason, wanted, strlen(wanted)) == 0);
    KTEST_CHECK(fault.address < stack.low && fault.address >= stack.low - STACK_GUARD_SIZE);
}

/* The handler of a double fault runs on the stack of double faults. If that overflows, the CPU
 * starts at its top again, this time with the handler that reports it. */
static trap_handler *reporter;

static void overflow_once(struct trap_frame *frame)
{
    trap_handle(TRAP_DOUBLE_FAULT, reporter);
    overflow(frame);
}

static void each_stack_of(unsigned number)
{
    expect(number, STACK_MAIN, crash_find("stack"));

    trap_handler *before = trap_handle(TRAP_NMI, overflow);
    expect(number, STACK_NMI, raise_nmi);
    trap_handle(TRAP_NMI, before);

    before = trap_handle(TRAP_MACHINE_CHECK, overflow);
    expect(number, STACK_MACHINE_CHECK, raise_machine_check);
    trap_handle(TRAP_MACHINE_CHECK, before);

    reporter = trap_handle(TRAP_DOUBLE_FAULT, overflow_once);
    expect(number, STACK_DOUBLE_FAULT, raise_double_fault);
    trap_handle(TRAP_DOUBLE_FAULT, reporter);
}

KTEST(stack, overflow_of_every_kind_is_reported_on_the_boot_cpu)
{
    each_stack_of(0);
    memory_check_everything();
}

KTEST(stack, overflow_of_every_kind_is_reported_on_the_other_cpus)
{
    cpus_need(2);
    for (unsigned i = 1; i < smp_count() && i < 4; i++)
        each_stack_of(i);
    memory_check_everything();
}

static void touch(void *address)
{
    *(volatile char *)address = 1;
}

KTEST(stack, guard_of_every_cpus_stacks_is_named)
{
    struct fault fault;
    char wanted[160];
    for (unsigned i = 0; i < percpu_count(); i++)
        for (unsigned kind = 0; kind < STACK_KINDS; kind++) {
            struct stack stack = stack_get(i, kind);
            KTEST_CHECK(!fault_try(touch, (void *)(stack.low - 1), &fault));
            format_text(wanted, sizeof wanted,
                        "page fault writing 0x%lx: the guard page of the %s stack of CPU %u",
                        stack.low - 1, stack.name, i);
            KTEST_CHECK(strcmp(fault.reason, wanted) == 0);
        }
}

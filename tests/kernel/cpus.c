/* SPDX-License-Identifier: MIT */
/* Test code on several CPUs: each tries it on its own, and the test's CPU hears of the first
 * misfortune. */
#include "tests/kernel/cpus.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/panic.h"
#include "kernel/smp.h"

static struct {
    void (*function)(void *);
    void *argument;
    struct fault fault; /* of the first CPU that failed */
    unsigned failures;  /* atomic */
} run;

void cpus_need(unsigned count)
{
    if (smp_count() < count)
        ktest_skip("this machine has too few CPUs");
}

static void try_run(void *unused)
{
    (void)unused;
    struct fault fault;
    if (!fault_try(run.function, run.argument, &fault) &&
        __atomic_fetch_add(&run.failures, 1, __ATOMIC_ACQ_REL) == 0)
        run.fault = fault;
}

static void prepare(void (*function)(void *), void *argument)
{
    run.function = function;
    run.argument = argument;
    run.failures = 0;
}

static void conclude(void)
{
    if (__atomic_load_n(&run.failures, __ATOMIC_ACQUIRE) > 0)
        panic("%s", run.fault.reason);
}

/* On CPUs first to end - 1. */
static void run_on(unsigned first, unsigned end)
{
    for (unsigned i = first == 0 ? 1 : first; i < end; i++)
        smp_start(i, try_run, NULL);
    if (first == 0)
        try_run(NULL);
    for (unsigned i = first == 0 ? 1 : first; i < end; i++)
        smp_wait(i);
}

void cpus_run(unsigned count, void (*function)(void *), void *argument)
{
    prepare(function, argument);
    run_on(0, count);
    conclude();
}

void cpus_run_in_turns(unsigned at_once, void (*function)(void *), void *argument)
{
    unsigned count = smp_count();
    prepare(function, argument);
    for (unsigned first = 0; first < count; first += at_once)
        run_on(first, first + at_once < count ? first + at_once : count);
    conclude();
}

void cpus_start(void (*function)(void *), void *argument)
{
    prepare(function, argument);
    smp_start(1, try_run, NULL);
}

void cpus_wait(void)
{
    smp_wait(1);
    conclude();
}

bool cpus_try(unsigned number, void (*function)(void *), void *argument, struct fault *fault)
{
    if (number == cpu_id())
        return fault_try(function, argument, fault);
    prepare(function, argument);
    smp_start(number, try_run, NULL);
    smp_wait(number);
    *fault = run.fault;
    return run.failures == 0;
}

void cpus_await(const unsigned *step, unsigned wanted)
{
    while (__atomic_load_n(step, __ATOMIC_ACQUIRE) < wanted)
        asm_pause();
}

void cpus_advance(unsigned *step)
{
    __atomic_fetch_add(step, 1, __ATOMIC_ACQ_REL);
}

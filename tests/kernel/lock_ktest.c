/* SPDX-License-Identifier: MIT */
/* Locks on the real machine: what is left of them when a fault ends the function that holds them.
 */
#include "kernel/lock.h"

#include <stddef.h>

#include "kernel/crash.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/smp.h"

static struct lock outer, inner;

static void make_locks(void)
{
    lock_init(&outer, "outer test", LOCK_OUTER);
    lock_init(&inner, "inner test", LOCK_HEAP);
}

static void fault_inside(void *unused)
{
    lock_take_irq(&inner);
    crash_find("null")(unused);
}

KTEST(lock, fault_releases_what_was_taken_since)
{
    struct fault fault;
    make_locks();
    lock_take(&outer);
    KTEST_CHECK(!fault_try(fault_inside, NULL, &fault));
    KTEST_CHECK(inner.owner == LOCK_NOBODY);
    KTEST_CHECK(lock_held() == &outer);
    lock_release(&outer);
    KTEST_CHECK(lock_held() == NULL);
}

KTEST(lock, fault_leaves_interrupts_as_they_were)
{
    struct fault fault;
    make_locks();
    KTEST_CHECK(asm_interrupts_are_on());
    KTEST_CHECK(!fault_try(fault_inside, NULL, &fault));
    KTEST_CHECK(asm_interrupts_are_on());
    asm_interrupts_off();
    bool returned = fault_try(fault_inside, NULL, &fault);
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_on();
    KTEST_CHECK(!returned && !were_on);
}

static void take_in_wrong_order(void *unused)
{
    (void)unused;
    lock_take(&inner);
    lock_take(&outer);
}

KTEST(lock, wrong_order_panics_in_debug_builds)
{
    struct fault fault;
    if (!LOAM_DEBUG)
        ktest_skip("a release build does not check the order of locks");
    make_locks();
    KTEST_CHECK(!fault_try(take_in_wrong_order, NULL, &fault));
    KTEST_CHECK(fault.vector == FAULT_PANIC);
    KTEST_CHECK(inner.owner == LOCK_NOBODY && outer.owner == LOCK_NOBODY);
}

#define TURNS 4000 /* of all CPUs: an emulated one may sleep when it is its turn */

static unsigned ready;          /* CPUs that wait for the others to begin */
static volatile unsigned count; /* not atomic: `outer` guards it */

static void count_up(void *unused)
{
    (void)unused;
    __atomic_fetch_add(&ready, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&ready, __ATOMIC_RELAXED) < smp_count())
        asm_pause();
    for (unsigned i = 0; i < TURNS / smp_count(); i++) {
        bool were_on = lock_take_irq(&outer);
        count++;
        lock_release_irq(&outer, were_on);
    }
}

KTEST(lock, cpus_exclude_each_other)
{
    make_locks();
    count = ready = 0;
    for (unsigned i = 1; i < percpu_count(); i++)
        if (smp_is_online(i))
            smp_start(i, count_up, NULL);
    count_up(NULL);
    for (unsigned i = 1; i < percpu_count(); i++)
        if (smp_is_online(i))
            smp_wait(i);
    KTEST_CHECK(count == TURNS / smp_count() * smp_count());
    KTEST_CHECK(outer.next == outer.serving && outer.serving == count);
}

static void take_twice(void *unused)
{
    (void)unused;
    lock_take(&inner);
    lock_take(&inner);
}

KTEST(lock, lock_taken_twice_panics)
{
    struct fault fault;
    make_locks();
    KTEST_CHECK(!fault_try(take_twice, NULL, &fault));
    KTEST_CHECK(fault.vector == FAULT_PANIC);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests kernel/lock.c where one CPU suffices: what the checks of debug builds find, and what is
 * counted. The orders in which CPUs can meet are in lock_explore_test.c.
 */
#include "kernel/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/expect.h"
#include "tests/host/told.h"

static struct lock heap, frames, log_lock;

/* One CPU, number 0, with interrupts on; three locks that nobody holds. */
static int reset(void **state)
{
    (void)state;
    memset(host_cpus, 0, sizeof host_cpus);
    host_cpu = 0;
    host_clock = 0;
    host_cpus[0].interrupts_are_on = true;
    lock_set_service(NULL);
    lock_init(&heap, "heap", LOCK_HEAP);
    lock_init(&frames, "frames", LOCK_VMALLOC);
    lock_init(&log_lock, "log", LOCK_LOG);
    return 0;
}

/* --- holding -----------------------------------------------------------------------------------*/

static void owner_is_known_while_it_is_held(void **state)
{
    (void)state;
    host_cpu = 3;
    lock_take(&heap);
    assert_int_equal(heap.owner, 3);
    assert_ptr_equal(lock_held(), &heap);
    lock_release(&heap);
    assert_int_equal(heap.owner, LOCK_NOBODY);
    assert_null(lock_held());
    assert_int_equal(heap.contended, 0);
}

static void locks_are_released_in_any_order(void **state)
{
    (void)state;
    lock_take(&heap);
    lock_take(&frames);
    lock_take(&log_lock);
    lock_release(&frames);
    lock_release(&heap);
    assert_ptr_equal(lock_held(), &log_lock);
    lock_release(&log_lock);
    assert_null(lock_held());
}

static void interrupts_are_off_in_between_and_as_before_behind(void **state)
{
    (void)state;
    bool outer = lock_take_irq(&heap);
    assert_false(lock_home_interrupts_are_on());
    bool inner = lock_take_irq(&frames);
    lock_release_irq(&frames, inner);
    assert_false(lock_home_interrupts_are_on());
    lock_release_irq(&heap, outer);
    assert_true(lock_home_interrupts_are_on());
}

static void abandoned_locks_are_released(void **state)
{
    (void)state;
    lock_take(&heap);
    lock_take(&frames);
    lock_take(&log_lock);
    lock_release_down_to(&heap);
    assert_ptr_equal(lock_held(), &heap);
    lock_take(&frames);
    lock_release_down_to(NULL);
    lock_take(&heap);
    lock_release(&heap);
}

/* --- waiting -----------------------------------------------------------------------------------*/

static unsigned pauses, services;

/* CPU 1, which holds the lock, gets on while CPU 0 waits. */
static void release_by_other(void)
{
    pauses++;
    host_cpu = 1;
    if (pauses == 3)
        lock_release(&frames);
    host_cpu = 0;
}

static void take_by_other(void)
{
    pauses = services = 0;
    host_cpu = 1;
    lock_take(&frames);
    host_cpu = 0;
    host_pause = release_by_other;
}

static void serve(void)
{
    services++;
}

static void who_waits_is_counted(void **state)
{
    (void)state;
    take_by_other();
    lock_take(&frames);
    assert_int_equal(pauses, 3);
    assert_int_equal(frames.contended, 1);
    assert_int_equal(frames.owner, 0);
    lock_release(&frames);
}

static void who_waits_with_interrupts_off_serves(void **state)
{
    (void)state;
    lock_set_service(serve);
    take_by_other();
    lock_release_irq(&frames, lock_take_irq(&frames));
    assert_int_equal(services, 3);
}

static void who_waits_with_interrupts_on_is_interrupted_instead(void **state)
{
    (void)state;
    lock_set_service(serve);
    take_by_other();
    lock_take(&frames);
    lock_release(&frames);
    assert_int_equal(services, 0);
}

/* --- what the checks find ----------------------------------------------------------------------*/

static void locks_are_taken_in_ascending_ranks(void **state)
{
    (void)state;
    lock_take(&frames);
    expect_panic(lock_take(&heap), "is taken inside that of the frames");
    lock_take(&log_lock);
    lock_release(&frames);
    expect_panic(lock_take(&frames), "is taken inside that of the log");
}

static void two_of_one_rank_have_no_order(void **state)
{
    (void)state;
    static struct lock other;
    lock_init(&other, "other heap", LOCK_HEAP);
    lock_take(&heap);
    expect_panic(lock_take(&other), "is taken inside that of the heap");
}

static void lock_taken_twice_is_found(void **state)
{
    (void)state;
    lock_take(&heap);
    expect_panic(lock_take(&heap), "inside that of the heap");
    expect_panic(lock_wait_(&heap, heap.next), "CPU 0 waits for the lock of the heap, which it");
}

static void lock_of_interrupt_handlers_is_not_taken_with_interrupts_on(void **state)
{
    (void)state;
    host_cpus[0] = (struct host_cpu){.context = LOCK_IN_INTERRUPT};
    lock_take(&frames);
    lock_release(&frames);
    host_cpus[0] = (struct host_cpu){.context = LOCK_IN_TASK, .interrupts_are_on = true};
    lock_release_irq(&frames, lock_take_irq(&frames));
    expect_panic(lock_take(&frames), "the lock of the frames is taken by interrupt handlers, and");
}

static void lock_taken_with_interrupts_on_is_none_for_interrupt_handlers(void **state)
{
    (void)state;
    lock_take(&frames);
    lock_release(&frames);
    host_cpus[0] = (struct host_cpu){.context = LOCK_IN_INTERRUPT};
    expect_panic(lock_take(&frames), "the lock of the frames is taken by interrupt handlers, and");
}

static void nmi_takes_no_lock(void **state)
{
    (void)state;
    host_cpus[0] = (struct host_cpu){.context = LOCK_IN_NMI};
    expect_panic(lock_take(&frames), "the lock of the frames is taken by an NMI");
}

static void only_the_holder_releases(void **state)
{
    (void)state;
    expect_panic(lock_release(&heap), "releases the lock of the heap, which nobody holds");
    lock_take(&heap);
    host_cpu = 1;
    expect_panic(lock_release(&heap), "CPU 1 releases the lock of the heap, which CPU 0 holds");
    expect_panic(lock_forget_(&heap), "CPU 1 releases the lock of the heap, which it does not");
}

static void lock_without_init_is_found(void **state)
{
    (void)state;
    static struct lock lock;
    expect_panic(lock_take(&lock), "was never initialised");
}

static void holding_for_long_is_reported_when_it_gets_worse(void **state)
{
    (void)state;
    static const uint64_t seconds[] = {1, 20, 20, 15, 30};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        lock_take(&heap);
        host_clock += seconds[i] * 1000000000;
        lock_release(&heap);
    }
    assert_int_equal(heap.longest, 30000000000);
    told_expect(2, "lock: that of the heap was held for 30000 million ticks by CPU 0");
}

static void let_time_pass(void)
{
    host_clock += 1000000000;
}

/* The CPUs that came before take 20 thousand million ticks each. */
static void move_on(void)
{
    host_clock += 20000000000;
    frames.serving++;
    if (host_clock > 400000000000)
        frames.serving = frames.next - 1;
}

static void waiting_while_others_get_on_is_patient(void **state)
{
    (void)state;
    take_by_other();
    frames.next = 100;
    host_pause = move_on;
    lock_take(&frames);
    assert_int_equal(frames.serving, 100);
}

static void waiting_for_ever_is_found(void **state)
{
    (void)state;
    take_by_other();
    host_pause = let_time_pass;
    expect_panic(lock_take(&frames), "CPU 0 waits for the lock of the frames, which CPU 1 (-1: ");
    assert_in_range(host_clock, 100000000000, 110000000000);
}

/* --- the list ----------------------------------------------------------------------------------*/

static unsigned seen;

static void see(const struct lock *lock)
{
    seen += lock == &heap || lock == &frames || lock == &log_lock;
}

static void every_lock_is_listed_once(void **state)
{
    (void)state;
    seen = 0;
    lock_init(&heap, "heap", LOCK_HEAP);
    lock_visit(see);
    assert_int_equal(seen, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(owner_is_known_while_it_is_held),
        TEST(locks_are_released_in_any_order),
        TEST(interrupts_are_off_in_between_and_as_before_behind),
        TEST(abandoned_locks_are_released),
        TEST(who_waits_is_counted),
        TEST(who_waits_with_interrupts_off_serves),
        TEST(who_waits_with_interrupts_on_is_interrupted_instead),
        TEST(locks_are_taken_in_ascending_ranks),
        TEST(two_of_one_rank_have_no_order),
        TEST(lock_taken_twice_is_found),
        TEST(lock_of_interrupt_handlers_is_not_taken_with_interrupts_on),
        TEST(lock_taken_with_interrupts_on_is_none_for_interrupt_handlers),
        TEST(nmi_takes_no_lock),
        TEST(only_the_holder_releases),
        TEST(lock_without_init_is_found),
        TEST(holding_for_long_is_reported_when_it_gets_worse),
        TEST(waiting_while_others_get_on_is_patient),
        TEST(waiting_for_ever_is_found),
        TEST(every_lock_is_listed_once),
    };
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}

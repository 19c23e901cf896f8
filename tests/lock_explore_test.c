/* SPDX-License-Identifier: MIT */
/* Explores kernel/lock.c: every order in which CPUs can take it, wait for it and release it. */
#include "kernel/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/explore/explore.h"

#define CPUS 3

static struct lock outer, inner;
static struct lock *held[CPUS];
static unsigned count;         /* guarded by `inner` */
static unsigned asked, answer; /* a call to another CPU, as a mailbox */

/* --- the lock's world --------------------------------------------------------------------------*/

/* Setup and check play CPU 0. */
uint32_t lock_home_cpu(void)
{
    int thread = explore_thread();
    return thread < 0 ? 0 : (uint32_t)thread;
}

struct lock *lock_home_held(void)
{
    return held[lock_home_cpu()];
}

void lock_home_hold(struct lock *lock)
{
    held[lock_home_cpu()] = lock;
}

enum lock_context lock_home_context(void)
{
    return LOCK_IN_TASK;
}

bool lock_home_interrupts_are_on(void)
{
    return false;
}

void lock_home_interrupts_off(void)
{
}

void lock_home_interrupts_on(void)
{
}

uint64_t lock_home_clock(void)
{
    return 0;
}

void lock_home_pause(void)
{
}

/* --- what CPUs do ------------------------------------------------------------------------------*/

static void reset(void)
{
    memset(held, 0, sizeof held);
    lock_init(&outer, "outer", LOCK_HEAP);
    lock_init(&inner, "inner", LOCK_VMALLOC);
    lock_set_service(NULL);
    count = asked = answer = 0;
}

static void count_once(unsigned id)
{
    (void)id;
    lock_take(&inner);
    explore_assert(inner.owner == lock_home_cpu());
    count++;
    lock_release(&inner);
}

static void count_twice(unsigned id)
{
    count_once(id);
    count_once(id);
}

static void count_nested(unsigned id)
{
    lock_take(&outer);
    count_once(id);
    lock_release(&outer);
}

/* Hand over hand: the outer one goes first. */
static void count_in_chain(unsigned id)
{
    (void)id;
    lock_take(&outer);
    lock_take(&inner);
    lock_release(&outer);
    count++;
    lock_release(&inner);
}

static void is_free(const struct lock *lock)
{
    explore_assert(lock->owner == LOCK_NOBODY && lock->next == lock->serving);
}

static void check(void)
{
    is_free(&outer);
    is_free(&inner);
    explore_assert(count == inner.next && inner.contended < count);
    for (unsigned i = 0; i < CPUS; i++)
        explore_assert(held[i] == NULL);
}

/* --- a CPU with interrupts off that waits for the lock, and one that holds it and waits for an
 * answer --------------------------------------------------------------------------------------- */

static void serve(void)
{
    if (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) == 1)
        __atomic_store_n(&answer, 1, __ATOMIC_RELEASE);
}

static void reset_serving(void)
{
    reset();
    lock_set_service(serve);
}

static void hold_and_ask(unsigned id)
{
    (void)id;
    lock_take(&inner);
    __atomic_store_n(&asked, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&answer, __ATOMIC_ACQUIRE) == 0)
        __builtin_ia32_pause();
    count++;
    lock_release(&inner);
}

/* Answers on its way out, too, if it came first. */
static void take_and_answer(unsigned id)
{
    count_once(id);
    while (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) == 0)
        __builtin_ia32_pause();
    serve();
}

/* --- the tests ---------------------------------------------------------------------------------*/

static void explore(struct explore_test test)
{
    assert_true(explore_passes(&test));
    test.memory = EXPLORE_TSO;
    assert_true(explore_passes(&test));
}

static void two_cpus_exclude_each_other(void **state)
{
    (void)state;
    explore((struct explore_test){.name = "lock, twice each",
                                  .setup = reset,
                                  .thread = {count_twice, count_twice},
                                  .check = check});
}

static void three_cpus_exclude_each_other(void **state)
{
    (void)state;
    explore((struct explore_test){.name = "lock, three CPUs",
                                  .setup = reset,
                                  .thread = {count_once, count_once, count_once},
                                  .check = check});
}

static void nested_and_chained_locks_exclude(void **state)
{
    (void)state;
    explore((struct explore_test){.name = "locks, nested and chained",
                                  .setup = reset,
                                  .thread = {count_nested, count_in_chain},
                                  .check = check});
}

static void who_waits_serves_who_holds(void **state)
{
    (void)state;
    explore((struct explore_test){.name = "lock, holder asks waiter",
                                  .setup = reset_serving,
                                  .thread = {hold_and_ask, take_and_answer},
                                  .check = check});
}

static void without_service_the_two_wait_for_ever(void **state)
{
    (void)state;
    const struct explore_test test = {.name = "lock, holder asks in vain",
                                      .setup = reset,
                                      .thread = {hold_and_ask, take_and_answer},
                                      .check = check};
    assert_int_equal(explore_run(&test, NULL).verdict, EXPLORE_DEADLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_cpus_exclude_each_other),
        cmocka_unit_test(three_cpus_exclude_each_other),
        cmocka_unit_test(nested_and_chained_locks_exclude),
        cmocka_unit_test(who_waits_serves_who_holds),
        cmocka_unit_test(without_service_the_two_wait_for_ever),
    };
    return cmocka_run_group_tests_name("lock_explore", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Two locks, taken by two threads in various manners: where waiting may have no end. */
#include <stddef.h>

#include "tests/explore/examples/example.h"

static int locks[2], count;

static void reset(void)
{
    locks[0] = locks[1] = count = 0;
}

static void check(void)
{
    explore_assert(count == 2);
}

static bool try_lock(unsigned number)
{
    return __atomic_exchange_n(&locks[number], 1, __ATOMIC_ACQUIRE) == 0;
}

static void lock(unsigned number)
{
    while (!try_lock(number))
        __builtin_ia32_pause();
}

static void unlock(unsigned number)
{
    __atomic_store_n(&locks[number], 0, __ATOMIC_RELEASE);
}

static void count_and_unlock(void)
{
    count++;
    unlock(0);
    unlock(1);
}

static void in_order(unsigned id)
{
    (void)id;
    lock(0);
    lock(1);
    count_and_unlock();
}

static void in_own_order(unsigned id)
{
    lock(id);
    lock(1 - id);
    count_and_unlock();
}

/* Lets the first lock go while the second one is taken. */
static void step_back(unsigned id)
{
    for (;;) {
        lock(id);
        if (try_lock(1 - id))
            break;
        unlock(id);
    }
    count_and_unlock();
}

static void lock_and_leave(unsigned id)
{
    lock(id);
}

#define LOCKS(called, first, second) \
    .test = {.name = called, .setup = reset, .thread = {first, second}, .check = check}

const struct example lock_examples[] = {
    {LOCKS("two locks in order", in_order, in_order)},
    {LOCKS("two locks in opposite orders", in_own_order, in_own_order), .verdict = EXPLORE_DEADLOCK,
     .part = "thread 0 at locks+4, thread 1 at locks"},
    {.test = {.name = "two locks, one steps back",
              .setup = reset,
              .thread = {step_back, in_own_order},
              .check = check,
              .preemptions = 4}},
    {LOCKS("two locks, both step back", step_back, step_back), .verdict = EXPLORE_LIVELOCK,
     .part = "livelock"},
    {LOCKS("lock never unlocked, other stepped back from", lock_and_leave, step_back),
     .verdict = EXPLORE_LIVELOCK, .part = "going round in circles: thread 1"},
    {.verdict = EXPLORE_PASSED},
};

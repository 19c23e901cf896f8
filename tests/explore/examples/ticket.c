/* SPDX-License-Identifier: MIT */
/* A ticket lock: take a number, wait until it is called. */
#include <stddef.h>

#include "tests/explore/examples/example.h"

static unsigned next, serving, count;

static void reset(void)
{
    next = serving = count = 0;
}

static void check2(void)
{
    explore_assert(count == 2);
}

static void check3(void)
{
    explore_assert(count == 3);
}

static unsigned take_number(void)
{
    return __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
}

/* Gives a number twice, if two threads come at once. */
static unsigned take_number_in_two_steps(void)
{
    unsigned number = __atomic_load_n(&next, __ATOMIC_RELAXED);
    __atomic_store_n(&next, number + 1, __ATOMIC_RELAXED);
    return number;
}

#define TICKET(name, take, load, store)                   \
    static void name(unsigned id)                         \
    {                                                     \
        (void)id;                                         \
        unsigned number = take();                         \
        while (__atomic_load_n(&serving, load) != number) \
            __builtin_ia32_pause();                       \
        count++;                                          \
        __atomic_store_n(&serving, number + 1, store);    \
    }

TICKET(lock, take_number, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
TICKET(lock_relaxed, take_number, __ATOMIC_RELAXED, __ATOMIC_RELEASE)
TICKET(unlock_relaxed, take_number, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
TICKET(lock_twice, take_number_in_two_steps, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)

/* Nobody is called after this one. */
static void lock_forever(unsigned id)
{
    (void)id;
    unsigned number = take_number();
    while (__atomic_load_n(&serving, __ATOMIC_ACQUIRE) != number)
        __builtin_ia32_pause();
}

const struct example ticket_examples[] = {
    {.test = {.name = "ticket lock", .setup = reset, .thread = {lock, lock}, .check = check2}},
    {.test = {.name = "ticket lock, three threads",
              .setup = reset,
              .thread = {lock, lock, lock},
              .check = check3}},
    {.test = {.name = "ticket lock, store buffers",
              .setup = reset,
              .thread = {lock, lock, lock},
              .check = check3,
              .memory = EXPLORE_TSO}},
    {.test = {.name = "ticket lock, acquired relaxed",
              .setup = reset,
              .thread = {lock_relaxed, lock_relaxed},
              .check = check2},
     .verdict = EXPLORE_RACE,
     .part = "data race on count"},
    {.test = {.name = "ticket lock, released relaxed",
              .setup = reset,
              .thread = {unlock_relaxed, unlock_relaxed},
              .check = check2},
     .verdict = EXPLORE_RACE,
     .part = "data race on count"},
    {.test = {.name = "ticket lock, number taken in two steps",
              .setup = reset,
              .thread = {lock_twice, lock_twice},
              .check = check2},
     .verdict = EXPLORE_DEADLOCK,
     .part = "at serving"},
    {.test = {.name = "ticket lock, never released",
              .setup = reset,
              .thread = {lock_forever, lock},
              .check = NULL},
     .verdict = EXPLORE_DEADLOCK,
     .part = "deadlock"},
    {.verdict = EXPLORE_PASSED},
};

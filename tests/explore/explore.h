/* SPDX-License-Identifier: MIT */
/*
 * The interleaving explorer: takes two to six thread bodies, runs them in every order that their
 * atomic operations can take, and gives a verdict on all of these schedules. The code under test is
 * unmodified; docs/explore.md tells how it works, how to write a test and what it cannot find.
 *
 *     static int counter;
 *     static void reset(void)       { counter = 0; }
 *     static void add(unsigned id)  { __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED); }
 *     static void check(void)       { explore_assert(counter == 2); }
 *
 *     static void no_update_is_lost(void **state)
 *     {
 *         const struct explore_test test = {
 *             .name = "counter", .setup = reset, .thread = {add, add}, .check = check};
 *         assert_true(explore_passes(&test));
 *     }
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EXPLORE_THREADS 6

enum explore_memory {
    EXPLORE_SC,  /* a store is visible at once */
    EXPLORE_TSO, /* x86: a store waits in its thread's buffer until that drains, or a fence does it
                  */
};

struct explore_test {
    const char *name;
    void (*setup)(
        void); /* before each schedule: resets all that threads or check change, or NULL */
    void (*thread[EXPLORE_THREADS])(unsigned id); /* id counts from 0; NULL ends the list */
    void (*check)(void);                          /* after each schedule that ends, or NULL */
    enum explore_memory memory;
    unsigned preemptions; /* at most so many in a schedule; 0: no bound */
    unsigned tries;       /* 0, or how often a thread that waits and counts may look without effect
                           * while others can go on: what it does when it gives up is then lost */
    bool one_cpu;         /* two threads, .preemptions = 1: either is a handler that interrupts the
                           * other. So their plain accesses do not race */
    bool unreduced;       /* run equivalent schedules, too; a bound implies it */
    double seconds;       /* after which the search is cut; 0: 20 */
};

enum explore_verdict {
    EXPLORE_PASSED,
    EXPLORE_FAILED, /* explore_assert or explore_fail */
    EXPLORE_RACE,
    EXPLORE_DEADLOCK,
    EXPLORE_LIVELOCK,
    EXPLORE_CRASH,
    EXPLORE_UNSTABLE, /* the same choices led elsewhere: setup forgets something */
};

struct explore_result {
    enum explore_verdict verdict; /* of the last schedule */
    bool cut;                     /* time ran out: not every schedule was run */
    uint64_t schedules;           /* run to their end; the last one has this number */
    uint64_t pruned;              /* given up, being equivalent to one that was run */
    char message[256];            /* a sentence; empty if it passed */
};

/*
 * Runs schedules until one fails, all are run, or time is out. A failure is told to `report`, if
 * not NULL, with the trace of its schedule. If the environment has EXPLORE=NAME:NUMBER with this
 * test's name, ends with that schedule and prints its trace to stdout, whatever became of it.
 */
struct explore_result explore_run(const struct explore_test *test, FILE *report);

/* True iff every schedule passes and the search was not cut. Prints a line with the count of
 * schedules, and the report of a failure, to stdout. */
bool explore_passes(const struct explore_test *test);

/* The number of the thread that runs; -1 in setup and check. */
int explore_thread(void);

/* In setup, thread bodies, check, and what these call: ends the schedule as failed. */
_Noreturn void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define EXPLORE_TEXT_(x) #x
#define EXPLORE_TEXT(x)  EXPLORE_TEXT_(x)
#define explore_assert(holds)                                                            \
    do {                                                                                 \
        if (!(holds))                                                                    \
            explore_fail("%s", __FILE__ ":" EXPLORE_TEXT(__LINE__) ": not so: " #holds); \
    } while (0)

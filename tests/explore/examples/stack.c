/* SPDX-License-Identifier: MIT */
/*
 * Treiber's stack of numbered nodes. A popper reads the top's successor and then swaps the top for
 * it: if meanwhile the top was popped, its successor too, and the top pushed again, the swap
 * succeeds and puts a node that somebody owns on the stack (ABA). A tag that each swap counts up
 * prevents that.
 */
#include <stddef.h>

#include "tests/explore/examples/example.h"

#define NODES   4 /* number 0 is none */
#define THREADS 3

/* The top's number, below its tag. */
static uint64_t top;

static struct {
    unsigned next; /* atomic: a popper may read it of a node that is gone */
    int value;     /* plain: belongs to who owns the node */
} nodes[NODES];

static unsigned owned[THREADS][NODES]; /* by each thread: how often it has the node */

static void push(unsigned number, uint64_t step, int order)
{
    uint64_t old = __atomic_load_n(&top, __ATOMIC_RELAXED), new;
    nodes[number].value = (int)number;
    do {
        __atomic_store_n(&nodes[number].next, (unsigned)old, __ATOMIC_RELAXED);
        new = (old & ~0xffffffffull) + step + number;
    } while (!(
        order == __ATOMIC_RELEASE
            ? __atomic_compare_exchange_n(&top, &old, new, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
            : __atomic_compare_exchange_n(&top, &old, new, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED)));
}

/* The number popped, or 0. */
static unsigned pop(uint64_t step)
{
    uint64_t old = __atomic_load_n(&top, __ATOMIC_ACQUIRE), new;
    do {
        if ((unsigned)old == 0)
            return 0;
        unsigned next = __atomic_load_n(&nodes[(unsigned)old].next, __ATOMIC_RELAXED);
        new = (old & ~0xffffffffull) + step + next;
    } while (
        !__atomic_compare_exchange_n(&top, &old, new, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
    explore_assert(nodes[(unsigned)old].value == (int)(unsigned)old);
    return (unsigned)old;
}

static const uint64_t tagged = 1ull << 32, untagged = 0;

/* Three nodes on the stack, number 1 on top. */
static void reset(void)
{
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i].next = i + 1 < NODES ? i + 1 : 0;
        nodes[i].value = (int)i;
        for (unsigned j = 0; j < THREADS; j++)
            owned[j][i] = 0;
    }
    top = 1;
}

static void reset_empty(void)
{
    reset();
    top = 0;
}

/* Each node is on the stack, or somebody's, and no more than once. */
static void check(void)
{
    for (unsigned i = 1; i < NODES; i++) {
        unsigned found = 0;
        for (unsigned j = 0; j < THREADS; j++)
            found += owned[j][i];
        unsigned steps = 0;
        for (unsigned at = (unsigned)top; at != 0 && steps < NODES; at = nodes[at].next, steps++)
            found += at == i;
        explore_assert(found == 1);
    }
}

static void check_values(void)
{
}

static void take(unsigned id, uint64_t step)
{
    owned[id][pop(step)]++;
}

static void take_two_return_one(unsigned id, uint64_t step)
{
    unsigned first = pop(step);
    take(id, step);
    if (first != 0)
        push(first, step, __ATOMIC_RELEASE);
}

static void take_tagged(unsigned id)
{
    take(id, tagged);
}

static void take_untagged(unsigned id)
{
    take(id, untagged);
}

static void churn_tagged(unsigned id)
{
    take_two_return_one(id, tagged);
}

static void churn_untagged(unsigned id)
{
    take_two_return_one(id, untagged);
}

static void put_release(unsigned id)
{
    push(id + 1, tagged, __ATOMIC_RELEASE);
}

static void put_relaxed(unsigned id)
{
    push(id + 1, tagged, __ATOMIC_RELAXED);
}

const struct example stack_examples[] = {
    {.test = {.name = "stack with tags",
              .setup = reset,
              .thread = {take_tagged, churn_tagged},
              .check = check}},
    {.test = {.name = "stack with tags, three threads",
              .setup = reset,
              .thread = {take_tagged, churn_tagged, take_tagged},
              .check = check}},
    {.test = {.name = "stack with tags, store buffers",
              .setup = reset,
              .thread = {take_tagged, churn_tagged},
              .check = check,
              .memory = EXPLORE_TSO}},
    {.test = {.name = "stack without tags",
              .setup = reset,
              .thread = {take_untagged, churn_untagged},
              .check = check},
     .verdict = EXPLORE_FAILED,
     .part = "found == 1"},
    {.test = {.name = "stack pushed with release",
              .setup = reset_empty,
              .thread = {put_release, put_release, take_tagged},
              .check = check_values}},
    {.test = {.name = "stack pushed relaxed",
              .setup = reset_empty,
              .thread = {put_relaxed, put_relaxed, take_tagged},
              .check = check_values},
     .verdict = EXPLORE_RACE,
     .part = "data race on nodes"},
    {.verdict = EXPLORE_PASSED},
};

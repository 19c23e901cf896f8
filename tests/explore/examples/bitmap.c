/* SPDX-License-Identifier: MIT */
/* A bitmap in which each thread claims a bit and then owns what it stands for. */
#include <stddef.h>

#include "tests/explore/examples/example.h"

static uint64_t bitmap;
static int owner[3]; /* plain: belongs to who has the bit */

static void reset(void)
{
    bitmap = 0;
    owner[0] = owner[1] = owner[2] = -1;
}

static void check(void)
{
    for (unsigned i = 0; i < 3; i++)
        explore_assert((bitmap >> i & 1) == (owner[i] >= 0));
}

static void check_empty(void)
{
    explore_assert(bitmap == 0);
}

static unsigned claim(void)
{
    uint64_t old = __atomic_load_n(&bitmap, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&bitmap, &old, old | (old + 1), true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
        continue;
    return (unsigned)__builtin_ctzll(~old);
}

/* Loses the bit that another thread sets between the two. */
static unsigned claim_in_two_steps(void)
{
    uint64_t old = __atomic_load_n(&bitmap, __ATOMIC_ACQUIRE);
    __atomic_store_n(&bitmap, old | (old + 1), __ATOMIC_RELEASE);
    return (unsigned)__builtin_ctzll(~old);
}

static void own(unsigned id)
{
    owner[claim()] = (int)id;
}

static void own_in_two_steps(unsigned id)
{
    owner[claim_in_two_steps()] = (int)id;
}

static void own_and_release(unsigned id)
{
    unsigned bit = claim();
    owner[bit] = (int)id;
    __atomic_fetch_and(&bitmap, ~((uint64_t)1 << bit), __ATOMIC_RELEASE);
}

static void own_and_release_relaxed(unsigned id)
{
    unsigned bit = claim();
    owner[bit] = (int)id;
    __atomic_fetch_and(&bitmap, ~((uint64_t)1 << bit), __ATOMIC_RELAXED);
}

#define BITMAP(called, body, after) \
    .test = {.name = called, .setup = reset, .thread = {body, body, body}, .check = after}

const struct example bitmap_examples[] = {
    {BITMAP("bitmap", own, check)},
    {BITMAP("bitmap with release", own_and_release, check_empty)},
    {BITMAP("bitmap claimed in two steps", own_in_two_steps, check), .verdict = EXPLORE_RACE,
     .part = "data race on owner"},
    {BITMAP("bitmap released relaxed", own_and_release_relaxed, check_empty),
     .verdict = EXPLORE_RACE, .part = "data race on owner"},
    {.verdict = EXPLORE_PASSED},
};

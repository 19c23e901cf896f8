/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for tests, the same in every run. SEED=n in the environment chooses other ones,
 * LONG=1 ten times as many steps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/splitmix.h"

struct random {
    uint64_t state;
    uint64_t seed;
    uint64_t step; /* for the message when a test fails; the test counts it */
};

static inline struct random random_start(void)
{
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20240607;
    return (struct random){.state = seed, .seed = seed};
}

static inline uint64_t random_steps(uint64_t steps)
{
    const char *is_long = getenv("LONG");
    return is_long != NULL && is_long[0] == '1' ? 10 * steps : steps;
}

static inline uint64_t random_next(struct random *random)
{
    return splitmix_next(&random->state);
}

/* 0 <= result < end, for end > 0. */
static inline uint64_t random_below(struct random *random, uint64_t end)
{
    return random_next(random) % end;
}

/* True once in `times`. */
static inline bool random_once_in(struct random *random, uint64_t times)
{
    return random_below(random, times) == 0;
}

/* As assert_true and, for a sentence, assert_null of cmocka; a failure says how to come here again.
 */
#define random_assert(random, holds)                                                          \
    do {                                                                                      \
        if (!(holds))                                                                         \
            fail_msg("%s does not hold: SEED=%llu, step %llu", #holds,                        \
                     (unsigned long long)(random)->seed, (unsigned long long)(random)->step); \
    } while (0)

#define random_assert_silent(random, sentence)                                              \
    do {                                                                                    \
        const char *told_ = (sentence);                                                     \
        if (told_ != NULL)                                                                  \
            fail_msg("%s: SEED=%llu, step %llu", told_, (unsigned long long)(random)->seed, \
                     (unsigned long long)(random)->step);                                   \
    } while (0)

/* The same where the caller says how to come here again. */
#define assert_silent(sentence)         \
    do {                                \
        const char *told_ = (sentence); \
        if (told_ != NULL)              \
            fail_msg("%s", told_);      \
    } while (0)

/* SPDX-License-Identifier: MIT */
/* One thread that runs for long: most of what it holds stays, the rest comes and goes, and the
 * sizes in fashion change from phase to phase. */
#include "tests/bench/heap/workload.h"

enum { STAYING = 120000, PASSING = 2000, PHASES = 6, STEPS = 500000 };

/* In phase p most sizes lie around 2^(4+p). */
static size_t fashionable(struct random *random, unsigned phase)
{
    return random_once_in(random, 8) ? workload_size(random, 4, 12)
                                     : workload_size(random, 4 + phase, 5 + phase);
}

static void put(void **slot, struct random *random, unsigned phase)
{
    size_t size = fashionable(random, phase);
    free(*slot);
    *slot = workload_alloc(size);
    workload_touch(*slot, size);
}

void churn_long_lived(void)
{
    struct random random = {.state = 7};
    void **staying = calloc(STAYING, sizeof *staying);
    void *passing[PASSING] = {0};
    for (size_t i = 0; i < STAYING; i++)
        put(&staying[i], &random, 1);
    for (unsigned phase = 0; phase < PHASES; phase++) {
        for (size_t i = 0; i < STEPS; i++) {
            put(&passing[random_below(&random, PASSING)], &random, phase);
            if (random_once_in(&random, 16))
                put(&staying[random_below(&random, STAYING)], &random, phase);
        }
    }
    for (size_t i = 0; i < PASSING; i++)
        free(passing[i]);
    for (size_t i = 0; i < STAYING; i++)
        free(staying[i]);
    free(staying);
}

/* SPDX-License-Identifier: MIT */
/* See churn.h. */
#include "lib/churn.h"

#include "lib/splitmix.h"

static size_t random_below(struct churn *churn, size_t end)
{
    return splitmix_next(&churn->random) % end;
}

static void shuffle(struct churn *churn)
{
    for (size_t i = churn->count; i > 1; i--) {
        size_t other = random_below(churn, i);
        uint64_t frame = churn->held[other];
        churn->held[other] = churn->held[i - 1];
        churn->held[i - 1] = frame;
    }
}

void churn_fill(struct churn *churn)
{
    while (churn->count < churn->room) {
        uint64_t frame = churn->world->alloc((unsigned)(churn->count % churn->world->cpus));
        if (frame == CHURN_NONE)
            return;
        churn->held[churn->count++] = frame;
    }
}

void churn_free_share(struct churn *churn, unsigned percent)
{
    shuffle(churn);
    churn->freed = churn->count * percent / 100;
    for (size_t i = 0; i < churn->freed; i++)
        churn->world->free((unsigned)(i % churn->world->cpus), churn->held[--churn->count]);
}

void churn_round(struct churn *churn)
{
    unsigned cpu = (unsigned)random_below(churn, churn->world->cpus);
    for (size_t i = 0; i < churn->freed / 10 && churn->count > 0; i++) {
        uint64_t *chosen = &churn->held[random_below(churn, churn->count)];
        churn->world->free(cpu, *chosen);
        *chosen = churn->world->alloc(cpu);
        if (*chosen == CHURN_NONE)
            *chosen = churn->held[--churn->count];
    }
}

void churn_empty(struct churn *churn)
{
    while (churn->count > 0)
        churn->world->free(0, churn->held[--churn->count]);
}

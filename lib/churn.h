/* SPDX-License-Identifier: MIT */
/*
 * The churn that tells how well a frame allocator keeps memory together: memory is filled with
 * single frames, a share of them is freed at random, and then, round by round, frames are freed and
 * allocated at random, each round on a random CPU. How much of what is free is left in wholly free
 * blocks of 2 MiB is for the caller to count. Allocates and frees through its world, so that it
 * runs over any allocator, hosted and at the kernel's prompt.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CHURN_ROUNDS 600
#define CHURN_NONE   UINT64_MAX

struct churn_world {
    uint64_t (*alloc)(unsigned cpu); /* a frame's number, or CHURN_NONE if there is none */
    void (*free)(unsigned cpu, uint64_t frame);
    unsigned cpus;
};

struct churn {
    const struct churn_world *world;
    uint64_t *held; /* of the caller; the first `count` are frames in use */
    size_t room;    /* of held */
    size_t count;
    size_t freed;    /* by churn_free_share() */
    uint64_t random; /* any number to begin with, for other random choices */
};

/* Allocates until there is no frame or no room left, from each CPU in turn. */
void churn_fill(struct churn *churn);

/* Frees `percent` of the frames, chosen at random, on each CPU in turn. */
void churn_free_share(struct churn *churn, unsigned percent);

/* On a random CPU, a tenth as many times as frames were freed above: frees one at random and
 * allocates one. */
void churn_round(struct churn *churn);

/* Frees all that is left. */
void churn_empty(struct churn *churn);

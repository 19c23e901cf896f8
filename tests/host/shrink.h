/* SPDX-License-Identifier: MIT */
/*
 * Random operations whose failures explain themselves. A test says how an operation is made from
 * random numbers and how it is applied; shrink_random() applies many in a child process, so that
 * panics, crashes, sanitizers and hangs fail it as assertions do. If they fail, it looks for the
 * shortest sequence that still does (delta debugging: Zeller and Hildebrandt, 2002) and prints it
 * as a C test that can be pasted beside the random one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/host/random.h"

#define SHRINK_ARGUMENTS 4

/* One operation, whole in itself: it must be legal wherever it stands and with smaller arguments,
 * if need be by doing nothing, for the operations before it may be left out. */
struct shrink_op {
    unsigned what;
    uint64_t with[SHRINK_ARGUMENTS];
};

struct shrink_test {
    const char *name;         /* of this object: the printed test refers to it */
    const char *const *kinds; /* the names of the values of `what` */

    /* Comes to the state from which all sequences start; NULL if the test's setup does. */
    void (*begin)(void);

    /* Operation number `step`, made from the dice alone. */
    struct shrink_op (*make)(struct random *dice, uint64_t step);

    /* Does it, and asserts what can be asserted cheaply. */
    void (*apply)(const struct shrink_op *op);

    /* Asserts everything: after each `check_every` operations, and at the end. */
    void (*check)(void);
    uint64_t check_every;

    /* Clears away and asserts that nothing is left; after the last check; may be NULL. */
    void (*finish)(void);
};

/* Applies `steps` operations, in a child: the caller's state stays as it is. If they fail, tells
 * the shortest sequence that does and fails the test. */
void shrink_random(const struct shrink_test *test, uint64_t steps);

/* Applies these operations here and now, for tests pasted from shrink_random(). */
void shrink_replay(const struct shrink_test *test, const struct shrink_op *ops, size_t count);

/* Shortens `ops`, which fail, to a sequence that fails no more when any one of its operations is
 * left out, and makes its arguments small; returns its length. Stops early after some seconds. */
size_t shrink_ops(const struct shrink_test *test, struct shrink_op *ops, size_t count);

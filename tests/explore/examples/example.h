/* SPDX-License-Identifier: MIT */
/*
 * Small concurrent algorithms, each with its correct form, which must pass on every schedule, and
 * with what goes wrong when something is left out, which must be found.
 */
#pragma once

#include "tests/explore/explore.h"

struct example {
    struct explore_test test;
    enum explore_verdict verdict;
    const char *part; /* of the message, if it fails */
};

/* Each array ends with an example whose test has no name. */
extern const struct example stack_examples[], list_examples[], mutex_examples[], ticket_examples[],
    sequence_examples[], bitmap_examples[], message_examples[], lock_examples[];

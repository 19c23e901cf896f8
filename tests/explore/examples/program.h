/* SPDX-License-Identifier: MIT */
/*
 * Small random programs of loads, stores, additions, fences and waits, run by the explorer and by a
 * naive interpreter that knows nothing of it: both must find the same outcomes, or a deadlock.
 */
#pragma once

#include "tests/explore/explore.h"

/* The program of that number under that memory: NULL, or how the two differ. `unreduced` is
 * explore_test's. */
const char *program_difference(unsigned number, enum explore_memory memory, bool unreduced);

/* Outcomes of all programs compared so far. */
extern unsigned program_outcomes;

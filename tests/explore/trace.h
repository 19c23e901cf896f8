/* SPDX-License-Identifier: MIT */
/* What happened in the running schedule, for the report of a failure. */
#pragma once

#include <stdio.h>

#include "tests/explore/op.h"

void trace_reset(void);

/* Appends an operation that is done. Only the last hundred are kept. */
void trace_note(unsigned thread, const struct op *op);

/* A line for each: thread, operation, address, value, order, place. */
void trace_print(FILE *to);

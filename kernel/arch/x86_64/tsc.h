/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter, asm_read_tsc(), counts at a rate that the CPU does not reliably tell; it
 * is measured against the one clock whose rate every PC knows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Measures the rate, for about a millisecond. */
void tsc_init(void);

/* Ticks a millisecond; a rate that no machine exceeds if this one has no clock to measure it by. */
uint64_t tsc_rate(void);

/* Is the rate more than a guess? */
bool tsc_is_measured(void);

/* Does nothing until so much time has passed since the counter showed `start`. */
void tsc_wait_since(uint64_t start, uint64_t microseconds);

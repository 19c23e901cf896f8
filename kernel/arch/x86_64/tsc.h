/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter, asm_read_tsc(), counts at a rate that the CPU does not reliably tell; it
 * is measured against the one clock whose rate every PC knows.
 */
#pragma once

#include <stdint.h>

/* Ticks a millisecond, measured for about a millisecond; 0 if this machine has no such clock. */
uint64_t tsc_measure(void);

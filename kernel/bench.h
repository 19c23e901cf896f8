/* SPDX-License-Identifier: MIT */
/*
 * The in-kernel benchmarks, in ticks of the time stamp counter an operation. Under QEMU's
 * `-icount shift=0` a tick is a guest instruction and the figures repeat exactly.
 */
#pragma once

#include <stdbool.h>

/* Runs the benchmarks whose names begin with `prefix`, or all if it is NULL; a line each:
 * "bench: NAME VALUE ticks". False if there are none. */
bool bench_run(const char *prefix);

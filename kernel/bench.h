/* SPDX-License-Identifier: MIT */
/*
 * The in-kernel benchmarks, in ticks of the time stamp counter an operation. Under QEMU's
 * `-icount shift=0` a tick is a guest instruction and the figures repeat exactly.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bench {
    const char *name;
    void (*run)(uint64_t argument);
    uint64_t argument;
    unsigned operations;               /* that `run` does */
    void (*before)(uint64_t argument); /* these two are not measured */
    void (*after)(uint64_t argument);
};

/* bench_frame.c, bench_heap.c, bench_smp.c; each ended by an entry without a name. The last needs
 * two CPUs. */
extern const struct bench bench_frames[], bench_heap[], bench_smp[], bench_smp_two[];

/* Ticks of the slowest allocation in a batch. */
uint64_t bench_frame_slowest(void);

/* Those of "kmalloc.churn" whose names begin with `prefix`. False if there is too little memory. */
bool bench_churn(const char *prefix);

/* For the above: is a benchmark wanted, and what came of it. */
bool bench_is_wanted(const char *name, const char *prefix);
void bench_tell(const char *name, uint64_t value, const char *unit);

/* Runs the benchmarks whose names begin with `prefix`, or all if it is NULL; a line each:
 * "bench: NAME VALUE UNIT", the unit being ticks or KiB. Those for which there are too few CPUs are
 * left out. False if there are none of such a name. */
bool bench_run(const char *prefix);

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

/* bench_frame.c, bench_smp.c; each ended by an entry without a name. The last needs two CPUs. */
extern const struct bench bench_frames[], bench_smp[], bench_smp_two[];

/* Ticks of the slowest allocation in a batch. */
uint64_t bench_frame_slowest(void);

/* Runs the benchmarks whose names begin with `prefix`, or all if it is NULL; a line each:
 * "bench: NAME VALUE ticks". Those for which there are too few CPUs are left out. False if there
 * are none of such a name. */
bool bench_run(const char *prefix);

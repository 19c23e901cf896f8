/* SPDX-License-Identifier: MIT */
/* Runs the benchmarks of bench_*.c. */
#include "kernel/bench.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/console.h"
#include "kernel/smp.h"
#include "lib/string.h"

static uint64_t measure(const struct bench *bench)
{
    bench->before(bench->argument);
    uint64_t start = asm_read_tsc();
    bench->run(bench->argument);
    uint64_t ticks = asm_read_tsc() - start;
    bench->after(bench->argument);
    return ticks / bench->operations;
}

bool bench_is_wanted(const char *name, const char *prefix)
{
    return prefix == NULL || strncmp(name, prefix, strlen(prefix)) == 0;
}

void bench_tell(const char *name, uint64_t value, const char *unit)
{
    console_print("bench: %s %lu %s\n", name, value, unit);
}

/* True iff there were any. */
static bool run_group(const struct bench *bench, const char *prefix)
{
    bool any = false;
    for (; bench->name != NULL; bench++) {
        if (!bench_is_wanted(bench->name, prefix))
            continue;
        any = true;
        bench_tell(bench->name, measure(bench), "ticks");
    }
    return any;
}

bool bench_run(const char *prefix)
{
    static const char max[] = "frame.batch_alloc.0.max";
    static const char churn[] = "kmalloc.churn";
    bool any = run_group(bench_frames, prefix);
    if (bench_is_wanted(max, prefix)) {
        any = true;
        bench_tell(max, bench_frame_slowest(), "ticks");
    }
    any = run_group(bench_heap, prefix) || any;
    if (bench_is_wanted(churn, prefix) ||
        (prefix != NULL && strncmp(prefix, churn, strlen(churn)) == 0))
        any = bench_churn(prefix) || any;
    any = run_group(bench_smp, prefix) || any;
    if (smp_count() > 1)
        any = run_group(bench_smp_two, prefix) || any;
    if (!any)
        console_print("bench: there are none named %s\n", prefix);
    return any;
}

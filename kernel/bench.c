/* SPDX-License-Identifier: MIT */
/* Runs the benchmarks: those of bench_frame.c and bench_smp.c, and of the heap, under the names
 * that Linux's figures have. */
#include "kernel/bench.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/console.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/smp.h"
#include "lib/string.h"

#define PAIRS 10000
#define BATCH 1000

static void kmalloc_pair(uint64_t size)
{
    for (unsigned i = 0; i < PAIRS; i++)
        kfree(kmalloc(size, 0));
}

static void *blocks[BATCH]; /* of the batch benchmarks; empty before and after each */

static void kmalloc_batch_alloc(uint64_t size)
{
    for (unsigned i = 0; i < BATCH; i++)
        blocks[i] = kmalloc(size, 0);
}

static void kmalloc_batch_free(uint64_t size)
{
    (void)size;
    for (unsigned i = 0; i < BATCH; i++)
        kfree(blocks[i]);
}

static void nothing(uint64_t argument)
{
    (void)argument;
}

static const struct bench benches[] = {
    {"kmalloc.pair.16", kmalloc_pair, 16, PAIRS, nothing, nothing},
    {"kmalloc.pair.64", kmalloc_pair, 64, PAIRS, nothing, nothing},
    {"kmalloc.pair.256", kmalloc_pair, 256, PAIRS, nothing, nothing},
    {"kmalloc.pair.1024", kmalloc_pair, 1024, PAIRS, nothing, nothing},
    {"kmalloc.pair.4096", kmalloc_pair, 4096, PAIRS, nothing, nothing},
    {"kmalloc.batch_alloc.64", kmalloc_batch_alloc, 64, BATCH, nothing, kmalloc_batch_free},
    {"kmalloc.batch_free.64", kmalloc_batch_free, 64, BATCH, kmalloc_batch_alloc, nothing},
    {0},
};

static uint64_t measure(const struct bench *bench)
{
    bench->before(bench->argument);
    uint64_t start = asm_read_tsc();
    bench->run(bench->argument);
    uint64_t ticks = asm_read_tsc() - start;
    bench->after(bench->argument);
    return ticks / bench->operations;
}

static bool is_wanted(const char *name, const char *prefix)
{
    return prefix == NULL || strncmp(name, prefix, strlen(prefix)) == 0;
}

/* True iff there were any. */
static bool run_group(const struct bench *bench, const char *prefix)
{
    bool any = false;
    for (; bench->name != NULL; bench++) {
        if (!is_wanted(bench->name, prefix))
            continue;
        any = true;
        console_print("bench: %s %lu ticks\n", bench->name, measure(bench));
    }
    return any;
}

bool bench_run(const char *prefix)
{
    static const char max[] = "frame.batch_alloc.0.max";
    bool any = run_group(bench_frames, prefix);
    if (is_wanted(max, prefix)) {
        any = true;
        console_print("bench: %s %lu ticks\n", max, bench_frame_slowest());
    }
    any = run_group(benches, prefix) || any;
    any = run_group(bench_smp, prefix) || any;
    if (smp_count() > 1)
        any = run_group(bench_smp_two, prefix) || any;
    if (!any)
        console_print("bench: there are none named %s\n", prefix);
    return any;
}

/* SPDX-License-Identifier: MIT */
/* Benchmarks of frames and heap, under the names that Linux's figures have. */
#include "kernel/bench.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/console.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pmm.h"
#include "lib/string.h"

#define PAIRS 10000
#define BATCH 1000

static void frame_pair(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order};
    for (unsigned i = 0; i < PAIRS; i++)
        pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, request), (unsigned)order);
}

static void frame_zeroed_pair(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order, .flags = FRAME_ZERO};
    for (unsigned i = 0; i < PAIRS; i++)
        pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, request), (unsigned)order);
}

static frame_t taken[BATCH]; /* likewise, of frames */

static void frame_batch_alloc(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order};
    for (unsigned i = 0; i < (unsigned)BATCH >> order; i++)
        taken[i] = pmm_alloc(PMM_KERNEL, request);
}

static void frame_batch_free(uint64_t order)
{
    for (unsigned i = 0; i < (unsigned)BATCH >> order; i++)
        pmm_free(PMM_KERNEL, taken[i], (unsigned)order);
}

/* In an order in which no two neighbours follow each other; 617 and BATCH have no common factor. */
static void frame_random_free(uint64_t order)
{
    for (unsigned i = 0; i < BATCH; i++)
        pmm_free(PMM_KERNEL, taken[i * 617 % BATCH], (unsigned)order);
}

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

static const struct bench {
    const char *name;
    void (*run)(uint64_t argument);
    uint64_t argument;
    unsigned operations;
    void (*before)(uint64_t argument); /* these two are not measured */
    void (*after)(uint64_t argument);
} benches[] = {
    {"frame.pair.0", frame_pair, 0, PAIRS, nothing, nothing},
    {"frame.pair.3", frame_pair, 3, PAIRS, nothing, nothing},
    {"frame.pair.9", frame_pair, 9, PAIRS, nothing, nothing},
    {"frame.zeroed_pair.0", frame_zeroed_pair, 0, PAIRS, nothing, nothing},
    {"frame.batch_alloc.0", frame_batch_alloc, 0, BATCH, nothing, frame_batch_free},
    {"frame.batch_alloc.3", frame_batch_alloc, 3, BATCH >> 3, nothing, frame_batch_free},
    {"frame.batch_free.0", frame_batch_free, 0, BATCH, frame_batch_alloc, nothing},
    {"frame.batch_free.3", frame_batch_free, 3, BATCH >> 3, frame_batch_alloc, nothing},
    {"frame.random_free.0", frame_random_free, 0, BATCH, frame_batch_alloc, nothing},
    {"kmalloc.pair.16", kmalloc_pair, 16, PAIRS, nothing, nothing},
    {"kmalloc.pair.64", kmalloc_pair, 64, PAIRS, nothing, nothing},
    {"kmalloc.pair.256", kmalloc_pair, 256, PAIRS, nothing, nothing},
    {"kmalloc.pair.1024", kmalloc_pair, 1024, PAIRS, nothing, nothing},
    {"kmalloc.pair.4096", kmalloc_pair, 4096, PAIRS, nothing, nothing},
    {"kmalloc.batch_alloc.64", kmalloc_batch_alloc, 64, BATCH, nothing, kmalloc_batch_free},
    {"kmalloc.batch_free.64", kmalloc_batch_free, 64, BATCH, kmalloc_batch_alloc, nothing},
};

bool bench_run(const char *prefix)
{
    bool any = false;
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        const struct bench *bench = &benches[i];
        if (prefix != NULL && strncmp(bench->name, prefix, strlen(prefix)) != 0)
            continue;
        any = true;
        bench->before(bench->argument);
        uint64_t start = asm_read_tsc();
        bench->run(bench->argument);
        uint64_t ticks = asm_read_tsc() - start;
        bench->after(bench->argument);
        console_print("bench: %s %lu ticks\n", bench->name, ticks / bench->operations);
    }
    if (!any)
        console_print("bench: there are none named %s\n", prefix);
    return any;
}

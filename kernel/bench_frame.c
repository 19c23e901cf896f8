/* SPDX-License-Identifier: MIT */
/* Benchmarks of frames, under the names that Linux's figures have. */
#include "kernel/arch/x86_64/asm.h"
#include "kernel/bench.h"
#include "kernel/mm/pmm.h"
#include "lib/bits.h"

#define PAIRS   10000
#define BATCH   1000
#define BLOCKS  32 /* of 2 MiB in a batch */
#define REPLAYS 5

static frame_t taken[BATCH]; /* empty before and after each */

static void pair(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order};
    for (unsigned i = 0; i < PAIRS; i++)
        pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, request), (unsigned)order);
}

static void zeroed_pair(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order, .flags = FRAME_ZERO};
    for (unsigned i = 0; i < PAIRS; i++)
        pmm_free(PMM_KERNEL, pmm_alloc(PMM_KERNEL, request), (unsigned)order);
}

static unsigned batch_of(uint64_t order)
{
    return order < 9 ? BATCH : BLOCKS;
}

static void batch_alloc(uint64_t order)
{
    struct frame_request request = {.order = (uint8_t)order};
    for (unsigned i = 0; i < batch_of(order); i++)
        taken[i] = pmm_alloc(PMM_KERNEL, request);
}

static void batch_free(uint64_t order)
{
    for (unsigned i = 0; i < batch_of(order); i++)
        pmm_free(PMM_KERNEL, taken[i], (unsigned)order);
}

/* In an order in which no two neighbours follow each other: 617 and BATCH have no common factor. */
static void random_free(uint64_t order)
{
    for (unsigned i = 0; i < BATCH; i++)
        pmm_free(PMM_KERNEL, taken[i * 617 % BATCH], (unsigned)order);
}

static void bulk_alloc(uint64_t order)
{
    pmm_alloc_bulk(PMM_KERNEL, (struct frame_request){.order = (uint8_t)order}, taken, BATCH);
}

static void bulk_free(uint64_t order)
{
    pmm_free_bulk(PMM_KERNEL, taken, BATCH, (unsigned)order);
}

/* The slowest allocation of a batch. What disturbs one replay does not disturb each: of every
 * allocation the fastest of all replays counts. */
uint64_t bench_frame_slowest(void)
{
    static uint64_t fastest[BATCH];
    uint64_t slowest = 0;
    for (unsigned replay = 0; replay < REPLAYS; replay++) {
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t start = asm_read_tsc();
            taken[i] = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
            uint64_t ticks = asm_read_tsc() - start;
            fastest[i] = replay == 0 ? ticks : bits_min(fastest[i], ticks);
        }
        batch_free(0);
    }
    for (unsigned i = 0; i < BATCH; i++)
        slowest = bits_max(slowest, fastest[i]);
    return slowest;
}

static void nothing(uint64_t argument)
{
    (void)argument;
}

const struct bench bench_frames[] = {
    {"frame.pair.0", pair, 0, PAIRS, nothing, nothing},
    {"frame.pair.3", pair, 3, PAIRS, nothing, nothing},
    {"frame.pair.9", pair, 9, PAIRS, nothing, nothing},
    {"frame.zeroed_pair.0", zeroed_pair, 0, PAIRS, nothing, nothing},
    {"frame.batch_alloc.0", batch_alloc, 0, BATCH, nothing, batch_free},
    {"frame.batch_alloc.3", batch_alloc, 3, BATCH, nothing, batch_free},
    {"frame.batch_alloc.9", batch_alloc, 9, BLOCKS, nothing, batch_free},
    {"frame.batch_free.0", batch_free, 0, BATCH, batch_alloc, nothing},
    {"frame.batch_free.3", batch_free, 3, BATCH, batch_alloc, nothing},
    {"frame.batch_free.9", batch_free, 9, BLOCKS, batch_alloc, nothing},
    {"frame.random_free.0", random_free, 0, BATCH, batch_alloc, nothing},
    {"frame.bulk_alloc", bulk_alloc, 0, BATCH, nothing, bulk_free},
    {0},
};

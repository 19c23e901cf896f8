/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of a frame allocator over memory that is numbers only; tools/frame_bench.py runs them.
 *
 *     frame_bench GROUP             whole, metadata, init, needle or scale2, in the one form of
 * line frame_bench WORKLOAD ORDER    seq, rand or pair, for callgrind and to count locked
 * operations
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc/frame_kind.h"
#include "lib/churn.h"
#include "tests/bench/frame/world.h"
#include "tests/bench/frame/locked.h"

#define BLOCK_ORDER  9 /* 2 MiB */
#define PAIRS        100000
#define SEEDS        3
#define NEEDLE_TRIES 100

extern _Thread_local unsigned bench_cpu;

static uint64_t held[FRAMES_OF(MEMORY)];

/* Workloads: each returns how many blocks it allocated, and it freed as many. */

static unsigned long locked_by_alloc; /* of the locked operations */

static size_t fill_and_free(unsigned order, bool shuffled)
{
    world_start(MEMORY, 1);
    size_t count = 0;
    locked_operations = 0;
    for (uint64_t block = world_alloc(order); block != UINT64_MAX; block = world_alloc(order))
        held[count++] = block;
    locked_by_alloc = locked_operations;
    if (shuffled)
        world_shuffle(held, count);
    for (size_t i = 0; i < count; i++)
        world_free(held[i], order);
    return count;
}

static size_t pairs(unsigned order)
{
    world_start(MEMORY, 1);
    locked_operations = 0;
    for (int i = 0; i < PAIRS; i++)
        world_free(world_alloc(order), order);
    return PAIRS;
}

static void run_workload(const char *name, unsigned order)
{
    bool is_pair = strcmp(name, "pair") == 0;
    size_t blocks = is_pair ? pairs(order) : fill_and_free(order, strcmp(name, "rand") == 0);
    printf("%zu blocks, %lu locked, %lu of them by allocating\n", blocks, locked_operations,
           locked_by_alloc);
}

/* Fragmentation */

static uint64_t churn_alloc(unsigned cpu)
{
    bench_cpu = cpu;
    return world_alloc(0);
}

static void churn_give_back(unsigned cpu, uint64_t frame)
{
    bench_cpu = cpu;
    world_free(frame, 0);
}

/* Percent of what is free that can be had in blocks of 2 MiB after the churn. */
static double whole_after_churn(unsigned percent, uint64_t seed)
{
    struct churn_world world = {churn_alloc, churn_give_back, world_cpus};
    struct churn churn = {&world, held, FRAMES_OF(MEMORY), .random = seed};
    world_start(MEMORY, 1);
    churn_fill(&churn);
    churn_free_share(&churn, percent);
    for (int round = 0; round < CHURN_ROUNDS; round++)
        churn_round(&churn);
    for (bench_cpu = 0; bench_cpu < world_cpus; bench_cpu++)
        frame_drain(&frames);
    bench_cpu = 0;
    uint64_t free = frame_free_count(&frames), blocks = 0;
    while (world_alloc(BLOCK_ORDER) != UINT64_MAX)
        blocks++;
    return 100.0 * (double)(blocks << BLOCK_ORDER) / (double)free;
}

static double lowest_of_seeds(unsigned percent)
{
    double lowest = 100;
    for (uint64_t seed = 1; seed <= (frame_kind.keeps_whole ? SEEDS : 1); seed++) {
        double whole = whole_after_churn(percent, seed);
        lowest = whole < lowest ? whole : lowest;
    }
    return lowest;
}

/* To the simple allocators all CPUs are alike. */
static void run_whole(void)
{
    static const unsigned percents[] = {50, 25, 10}, bars[] = {98, 95, 44}, cpus[] = {1, 8, 32};
    for (int p = 0; p < 3; p++) {
        for (int c = 0; c < (frame_kind.keeps_whole ? 3 : 1); c++) {
            world_cpus = cpus[c];
            double lowest = lowest_of_seeds(percents[p]);
            printf("bench: frame.whole.%u.c%u %.1f percent bar>=%u\n", percents[p], cpus[c], lowest,
                   bars[p]);
            fflush(stdout);
        }
    }
}

/* Metadata, start, and the last frame */

static void run_metadata(void)
{
    struct frame_range tebibyte = {{0}, {FRAMES_OF(TIB)}};
    printf("bench: frame.metadata.1T %.4f bits bar<=1.06\n",
           8.0 * (double)frame_metadata_size(&tebibyte, 1, WORLD_CPUS) / (double)FRAMES_OF(TIB));
}

static void run_init(void)
{
    double best = world_time_start(64 * TIB, 100);
    for (int i = 1; i < BEST_OF; i++) {
        double took = world_time_start(64 * TIB, 100);
        best = took < best ? took : best;
    }
    printf("bench: frame.init.64T %.1f us bar<=100\n", best * 1e6);
}

/* All memory is in use but one frame, which another CPU has at hand; then not even that. */
static void needle_and_fail(uint64_t bytes, const char *name)
{
    const uint64_t needle = 4711;
    double found = 1, failed = 1;
    world_start(bytes, 1);
    while (world_alloc(FRAME_ORDER_MAX) != UINT64_MAX)
        continue;
    frame_free_part(&frames, (frame_t){0}, FRAME_ORDER_MAX, (frame_t){needle}, 0);
    for (int i = 0; i < NEEDLE_TRIES; i++) {
        double start = world_clock();
        uint64_t frame = world_alloc(0);
        double middle = world_clock();
        if (frame != needle || world_alloc(0) != UINT64_MAX)
            abort();
        double end = world_clock();
        found = middle - start < found ? middle - start : found;
        failed = end - middle < failed ? end - middle : failed;
        world_free(frame, 0);
        bench_cpu ^= 1;
    }
    printf("bench: frame.needle.%s %.2f us bar<=5\n", name, found * 1e6);
    printf("bench: frame.fail.%s %.2f us bar<=5\n", name, failed * 1e6);
}

static void run_needle(void)
{
    world_cpus = 2;
    needle_and_fail(TIB, "1T");
    needle_and_fail(64 * TIB, "64T");
}

static const struct {
    const char *name;
    void (*run)(void);
} groups[] = {
    {"whole", run_whole},   {"metadata", run_metadata}, {"init", run_init},
    {"needle", run_needle}, {"scale2", scale_run},
};

int main(int argc, char **argv)
{
    if (argc == 3)
        run_workload(argv[1], (unsigned)atoi(argv[2]));
    for (size_t i = 0; argc == 2 && i < sizeof groups / sizeof *groups; i++)
        if (strcmp(argv[1], groups[i].name) == 0)
            groups[i].run();
    return 0;
}

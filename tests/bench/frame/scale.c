/* SPDX-License-Identifier: MIT */
/*
 * Two threads against one. What counts is the time that a thread spends in the allocator, on its
 * own CPU: a round in which the host took the CPU away does not count, for then the two did not run
 * side by side.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/atomic.h"
#include "tests/bench/frame/world.h"

#define FRAMES     (1 << 16) /* for each thread */
#define PAIRS      (4 * FRAMES)
#define ROUNDS     9
#define TRIES      300
#define BUFFERS    4
#define BUFFER     4096
#define BUFFERS_IN 16 /* handed from one thread to the other in a round */

extern _Thread_local unsigned bench_cpu;

struct side {
    void (*run)(struct side *side);
    bool shuffled;
    unsigned cpu;
    double busy;       /* seconds in the allocator */
    double start, end; /* on the clock, */
    double mine;       /* and what it had of a CPU between them */
};

static uint64_t kept[2][FRAMES];
static unsigned waiting; /* threads that have not come to the start yet */

static void wait_until(unsigned *flag, unsigned value)
{
    while (atomic_load(flag) != value)
        __builtin_ia32_pause();
}

/* The workloads of one thread */

static void free_buffer(struct side *side, const uint64_t *buffer, size_t count)
{
    double start = world_thread_clock();
    for (size_t i = 0; i < count; i++)
        world_free(buffer[i], 0);
    side->busy += world_thread_clock() - start;
}

static void fill_buffer(struct side *side, uint64_t *buffer, size_t count)
{
    double start = world_thread_clock();
    for (size_t i = 0; i < count; i++)
        buffer[i] = world_alloc(0);
    side->busy += world_thread_clock() - start;
}

static void run_bulk(struct side *side)
{
    uint64_t *mine = kept[side->cpu];
    fill_buffer(side, mine, FRAMES);
    if (side->shuffled)
        world_shuffle(mine, FRAMES);
    free_buffer(side, mine, FRAMES);
}

static void run_pairs(struct side *side)
{
    double start = world_thread_clock();
    for (int i = 0; i < PAIRS; i++)
        world_free(world_alloc(0), 0);
    side->busy += world_thread_clock() - start;
}

/* One allocates what the other frees. */

static struct {
    uint64_t frame[BUFFER];
    unsigned full;
} buffers[BUFFERS];

static void produce(struct side *side)
{
    for (unsigned i = 0; i < BUFFERS_IN; i++) {
        unsigned *full = &buffers[i % BUFFERS].full;
        wait_until(full, 0);
        fill_buffer(side, buffers[i % BUFFERS].frame, BUFFER);
        if (side->shuffled)
            world_shuffle(buffers[i % BUFFERS].frame, BUFFER);
        atomic_store(full, 1);
    }
}

static void consume(struct side *side)
{
    for (unsigned i = 0; i < BUFFERS_IN; i++) {
        unsigned *full = &buffers[i % BUFFERS].full;
        wait_until(full, 1);
        free_buffer(side, buffers[i % BUFFERS].frame, BUFFER);
        atomic_store(full, 0);
    }
}

static void produce_and_consume(struct side *side)
{
    for (unsigned i = 0; i < BUFFERS_IN; i++) {
        uint64_t *frame = buffers[i % BUFFERS].frame;
        fill_buffer(side, frame, BUFFER);
        if (side->shuffled)
            world_shuffle(frame, BUFFER);
        free_buffer(side, frame, BUFFER);
    }
}

/* Rounds */

static void *run_side(void *argument)
{
    struct side *side = argument;
    bench_cpu = side->cpu;
    atomic_sub(&waiting, 1);
    wait_until(&waiting, 0); /* awake: so they start within a moment */
    side->mine = world_thread_clock(), side->start = world_clock();
    side->run(side);
    side->mine = world_thread_clock() - side->mine, side->end = world_clock();
    return NULL;
}

/* It had a CPU all the time, and ran beside the other all the time but for a moment. */
static bool is_undisturbed(const struct side *side, const struct side *other)
{
    double took = side->end - side->start, apart = side->start - other->start;
    return took < 1.05 * side->mine && apart < 0.05 * took && apart > -0.05 * took;
}

/* Both sides, or one alone; the time of the longer, or of both if one waits for the other. Negative
 * if they were disturbed. */
static double run_round(struct side *side, unsigned threads, bool sum)
{
    pthread_t thread[2];
    double both = 0, longest = 0;
    bool undisturbed = true;
    world_start(MEMORY, 1);
    atomic_store(&waiting, threads);
    for (unsigned i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, run_side, &side[i]);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i < threads; i++) {
        both += side[i].busy;
        longest = side[i].busy > longest ? side[i].busy : longest;
        undisturbed = undisturbed && is_undisturbed(&side[i], &side[threads - 1 - i]);
    }
    return !undisturbed ? -1 : sum ? both : longest;
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

/* The median of the rounds that count; 0 if there were none. */
static double median(const struct side *first, const struct side *second, bool sum)
{
    double took[ROUNDS];
    size_t count = 0;
    for (int try = 0; try < TRIES && count < ROUNDS; try++) {
        struct side side[2] = {*first, second != NULL ? *second : *first};
        double round = run_round(side, second != NULL ? 2 : 1, sum);
        if (round >= 0)
            took[count++] = round;
    }
    qsort(took, count, sizeof *took, compare);
    return count > 0 ? took[count / 2] : 0;
}

static void compare_two_with_one(const char *name, double two, double one)
{
    if (two > 0 && one > 0)
        printf("bench: frame.scale2.%s %.2f ratio bar<=1.5\n", name, two / one);
    else
        fprintf(stderr, "frame.scale2.%s: not measured, the host has no two CPUs to spare\n", name);
    fflush(stdout);
}

static void same_on_both(const char *name, void (*run)(struct side *side), bool shuffled)
{
    struct side first = {run, shuffled, .cpu = 0}, second = {run, shuffled, .cpu = 1};
    compare_two_with_one(name, median(&first, &second, false), median(&first, NULL, false));
}

static void one_for_the_other(const char *name, bool shuffled)
{
    struct side producer = {produce, shuffled, .cpu = 0}, consumer = {consume, shuffled, .cpu = 1};
    struct side alone = {produce_and_consume, shuffled, .cpu = 0};
    compare_two_with_one(name, median(&producer, &consumer, true), median(&alone, NULL, true));
}

void scale_run(void)
{
    same_on_both("seq", run_bulk, false);
    same_on_both("rand", run_bulk, true);
    same_on_both("pair", run_pairs, false);
    one_for_the_other("prodcons", false);
    one_for_the_other("prodcons_rand", true);
}

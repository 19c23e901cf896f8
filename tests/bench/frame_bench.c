/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of lib/alloc/frame over memory that is metadata only.
 *
 *     frame_bench run           everything that needs no instrument
 *     frame_bench WORKLOAD N    one workload, for callgrind or the counter of locked operations
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/alloc/frame.h"
#include "lib/alloc/frame_port.h"
#include "lib/atomic.h"
#include "tests/bench/locked.h"
#include "tests/host/random.h"

#define FRAMES_OF(bytes) ((bytes) / 4096)
#define BLOCK            512
#define CPUS             64

static struct frames frames;
static void *metadata;
static size_t metadata_size;
static unsigned cpus = 1; /* that one thread plays */
_Thread_local unsigned bench_cpu;

void frame_port_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    putchar('\n');
    abort();
}

void frame_port_zero(frame_t frame, unsigned order)
{
    (void)frame, (void)order;
}

void frame_home_drain_others(struct frames *of)
{
    unsigned me = bench_cpu;
    for (bench_cpu = 0; bench_cpu < cpus; bench_cpu++)
        frame_drain(of);
    bench_cpu = me;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Manages `bytes` in `count` ranges of equal size, a frame apart. */
static double set_up(uint64_t bytes, size_t count)
{
    static struct frame_range ranges[100];
    uint64_t each = FRAMES_OF(bytes) / count;
    for (size_t i = 0; i < count; i++)
        ranges[i] = (struct frame_range){{i * each + (count > 1)}, {(i + 1) * each}};
    if (metadata != NULL)
        munmap(metadata, metadata_size);
    metadata_size = frame_metadata_size(ranges, count, CPUS);
    metadata = mmap(NULL, metadata_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    double best = 1e9;
    for (int i = 0; i < 5; i++) { /* from the second on without the host's page faults */
        double start = now();
        frame_init(&frames, ranges, count, CPUS, metadata);
        for (size_t r = 0; r < count; r++)
            frame_add(&frames, ranges[r].start, ranges[r].end);
        double took = now() - start;
        best = took < best ? took : best;
    }
    bench_cpu = 0;
    return best;
}

static uint64_t alloc(unsigned order)
{
    return frame_alloc(&frames, (struct frame_request){.order = (uint8_t)order}).number;
}

static void give_back(uint64_t frame, unsigned order)
{
    frame_free(&frames, (frame_t){frame}, order);
}

static void shuffle(uint64_t *array, size_t count, struct random *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, i);
        uint64_t other = array[j];
        array[j] = array[i - 1];
        array[i - 1] = other;
    }
}

static uint64_t held[1 << 20];

/* The workloads of docs/frames.md. Returns how many operations were done. */
static size_t fill_and_free(unsigned order, bool shuffled)
{
    struct random random = random_start();
    set_up(4 * GIB, 1);
    size_t count = 0;
    for (uint64_t block = alloc(order); block != UINT64_MAX; block = alloc(order))
        held[count++] = block;
    if (shuffled)
        shuffle(held, count, &random);
    for (size_t i = 0; i < count; i++)
        give_back(held[i], order);
    return 2 * count;
}

static size_t pairs(unsigned order)
{
    set_up(4 * GIB, 1);
    give_back(alloc(order), order);
    for (int i = 0; i < 100000; i++)
        give_back(alloc(order), order);
    return 200000;
}

static size_t churn_pairs(void)
{
    struct random random = random_start();
    size_t count = 0;
    set_up(4 * GIB, 1);
    for (uint64_t block = alloc(0); block != UINT64_MAX; block = alloc(0))
        held[count++] = block;
    shuffle(held, count, &random);
    while (count > 1 << 19)
        give_back(held[--count], 0);
    locked_operations = 0;
    for (int i = 0; i < 1000000; i++) {
        uint64_t *chosen = &held[random_below(&random, count)];
        give_back(*chosen, 0);
        *chosen = alloc(0);
    }
    return 1000000;
}

static size_t workload(const char *name, unsigned order)
{
    locked_operations = 0;
    if (strcmp(name, "seq") == 0)
        return fill_and_free(order, false);
    if (strcmp(name, "rand") == 0)
        return fill_and_free(order, true);
    if (strcmp(name, "churn") == 0)
        return churn_pairs();
    return pairs(order);
}

/* Share of the free memory that is in wholly free blocks after the churn, in percent. */
static double whole_after_churn(unsigned percent, unsigned cpu_count)
{
    struct random random = random_start();
    set_up(4 * GIB, 1);
    cpus = cpu_count;
    size_t count = 0;
    for (bool more = true; more;) {
        bench_cpu = (unsigned)(count % cpus);
        uint64_t frame = alloc(0);
        more = frame != UINT64_MAX;
        if (more)
            held[count++] = frame;
    }
    shuffle(held, count, &random);
    size_t freed = count / 100 * percent;
    for (size_t i = 0; i < freed; i++) {
        bench_cpu = (unsigned)(i % cpus);
        give_back(held[--count], 0);
    }
    for (size_t i = 0; i < 60 * freed; i++) {
        if (i % (freed / 10) == 0)
            bench_cpu = (unsigned)random_below(&random, cpus);
        uint64_t *chosen = &held[random_below(&random, count)];
        give_back(*chosen, 0);
        *chosen = alloc(0);
    }
    for (bench_cpu = 0; bench_cpu < cpus; bench_cpu++)
        frame_drain(&frames);
    bench_cpu = 0;
    uint64_t free = frame_free_count(&frames), blocks = 0;
    while (alloc(9) != UINT64_MAX)
        blocks++;
    cpus = 1;
    return 100.0 * (double)(blocks * BLOCK) / (double)free;
}

/* All memory is in use but one frame, which another CPU has at hand; then not even that. */
static void needle_and_fail(uint64_t bytes, const char *name)
{
    set_up(bytes, 1);
    cpus = 2;
    while (alloc(18) != UINT64_MAX)
        continue;
    frame_free_part(&frames, (frame_t){0}, 18, (frame_t){4711}, 0);
    double needle = 1e9, fail = 1e9;
    for (int i = 0; i < 100; i++) {
        double start = now();
        uint64_t frame = alloc(0);
        double found = now();
        if (frame != 4711 || alloc(0) != UINT64_MAX)
            abort();
        double failed = now();
        needle = found - start < needle ? found - start : needle;
        fail = failed - found < fail ? failed - found : fail;
        bench_cpu ^= 1;
        give_back(frame, 0);
        bench_cpu ^= 1;
    }
    bench_cpu = 0;
    cpus = 1;
    printf("bench: frame.needle.%s %.2f us bar<=5\n", name, needle * 1e6);
    printf("bench: frame.fail.%s %.2f us bar<=5\n", name, fail * 1e6);
}

/* Two threads against one. */

enum { THREAD_FRAMES = 1 << 17 };
static uint64_t kept[2][THREAD_FRAMES];
static pthread_barrier_t barrier;

struct half {
    unsigned cpu;
    bool frees, shuffled, is_pair;
    uint64_t *array;
    double took;
};

static void *run_half(void *argument)
{
    struct half *half = argument;
    struct random random = random_start();
    bench_cpu = half->cpu;
    pthread_barrier_wait(&barrier);
    double start = now();
    for (int i = 0; half->is_pair && i < 10 * THREAD_FRAMES; i++)
        give_back(alloc(0), 0);
    for (int i = 0; !half->is_pair && i < THREAD_FRAMES; i++)
        half->array[i] = alloc(0);
    double took = now() - start;
    if (half->shuffled)
        shuffle(half->array, THREAD_FRAMES, &random);
    pthread_barrier_wait(&barrier);
    start = now();
    for (int i = 0; half->frees && i < THREAD_FRAMES; i++)
        give_back(half->array[i], 0);
    half->took = took + now() - start;
    return NULL;
}

/* The longest of `threads` threads. */
static double run_halves(unsigned threads, bool shuffled, bool is_pair)
{
    double best = 1e9;
    for (int round = 0; round < 9; round++) {
        struct half half[2];
        pthread_t thread[2];
        double longest = 0;
        set_up(4 * GIB, 1);
        pthread_barrier_init(&barrier, NULL, threads);
        for (unsigned i = 0; i < threads; i++) {
            half[i] = (struct half){i, !is_pair, shuffled, is_pair, kept[i], 0};
            pthread_create(&thread[i], NULL, run_half, &half[i]);
        }
        for (unsigned i = 0; i < threads; i++) {
            pthread_join(thread[i], NULL);
            longest = half[i].took > longest ? half[i].took : longest;
        }
        best = longest < best ? longest : best;
    }
    return best;
}

/* One thread allocates what the other frees, a buffer at a time; against one thread that does both.
 */
enum { BUFFERS = 4, BUFFER = 4096, BUFFERS_SENT = 200 };
static uint64_t buffer[BUFFERS][BUFFER];
static unsigned filled[BUFFERS];

static void fill_buffer(unsigned i)
{
    for (unsigned j = 0; j < BUFFER; j++)
        buffer[i % BUFFERS][j] = alloc(0);
}

static void free_buffer(unsigned i)
{
    for (unsigned j = 0; j < BUFFER; j++)
        give_back(buffer[i % BUFFERS][j], 0);
}

static void *consume(void *argument)
{
    (void)argument;
    bench_cpu = 1;
    for (unsigned i = 0; i < BUFFERS_SENT; i++) {
        while (atomic_load(&filled[i % BUFFERS]) == 0)
            continue;
        free_buffer(i);
        atomic_store(&filled[i % BUFFERS], 0);
    }
    return NULL;
}

static double produce(bool alone)
{
    double best = 1e9;
    for (int round = 0; round < 9; round++) {
        pthread_t thread;
        set_up(4 * GIB, 1);
        double start = now();
        if (!alone)
            pthread_create(&thread, NULL, consume, NULL);
        for (unsigned i = 0; i < BUFFERS_SENT; i++) {
            while (atomic_load(&filled[i % BUFFERS]) != 0)
                continue;
            fill_buffer(i);
            if (alone)
                free_buffer(i);
            else
                atomic_store(&filled[i % BUFFERS], 1);
        }
        if (!alone)
            pthread_join(thread, NULL);
        double took = now() - start;
        best = took < best ? took : best;
    }
    return best;
}

static void run_scale(void)
{
    printf("bench: frame.scale2.seq %.2f ratio bar<=1.5\n",
           run_halves(2, false, false) / run_halves(1, false, false));
    printf("bench: frame.scale2.rand %.2f ratio bar<=1.5\n",
           run_halves(2, true, false) / run_halves(1, true, false));
    printf("bench: frame.scale2.pair %.2f ratio bar<=1.5\n",
           run_halves(2, false, true) / run_halves(1, false, true));
    printf("bench: frame.scale2.prodcons %.2f ratio bar<=1.5\n", produce(false) / produce(true));
}

static void run_all(void)
{
    static const unsigned percents[] = {50, 25, 10}, bars[] = {98, 95, 44}, counts[] = {1, 8, 32};
    for (int p = 0; p < 3; p++)
        for (int c = 0; c < 3; c++)
            printf("bench: frame.whole.%u.c%u %.1f percent bar>=%u\n", percents[p], counts[c],
                   whole_after_churn(percents[p], counts[c]), bars[p]);
    struct frame_range tebibyte = {{0}, {FRAMES_OF(TIB)}};
    printf("bench: frame.metadata.1T %.4f bits bar<=1.06\n",
           8.0 * (double)frame_metadata_size(&tebibyte, 1, CPUS) / FRAMES_OF((double)TIB));
    printf("bench: frame.init.64T %.1f us bar<=100\n", set_up(64 * TIB, 100) * 1e6);
    needle_and_fail(TIB, "1T");
    needle_and_fail(64 * TIB, "64T");
    run_scale();
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        size_t operations = workload(argv[1], (unsigned)atoi(argv[2]));
        printf("%zu operations, %lu locked\n", operations, locked_operations);
        return 0;
    }
    run_all();
    return 0;
}

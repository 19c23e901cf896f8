/* SPDX-License-Identifier: MIT */
/* The world of the frame benchmarks: a release build's ports, memory that is metadata only. */
#include "tests/bench/frame/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/alloc/frame_port.h"
#include "tests/host/random.h"

#define RANGES_MAX 100

struct frames frames;
unsigned world_cpus = 1;
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
    for (bench_cpu = 0; bench_cpu < world_cpus; bench_cpu++)
        frame_drain(of);
    bench_cpu = me;
}

/* Ranges of equal size, a frame apart if there are several. */
static size_t make_ranges(struct frame_range ranges[RANGES_MAX], uint64_t bytes, size_t count)
{
    uint64_t each = FRAMES_OF(bytes) / count;
    for (size_t i = 0; i < count; i++)
        ranges[i] = (struct frame_range){{i * each + (count > 1)}, {(i + 1) * each}};
    return count;
}

/* As large as ever, so that the host's page faults come once. */
static void *metadata_of(size_t size)
{
    static void *metadata;
    static size_t mapped;
    if (size <= mapped)
        return metadata;
    if (metadata != NULL)
        munmap(metadata, mapped);
    metadata = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    mapped = size;
    return metadata;
}

void world_start(uint64_t bytes, size_t count)
{
    world_time_start(bytes, count);
}

double world_time_start(uint64_t bytes, size_t count)
{
    static struct frame_range ranges[RANGES_MAX];
    make_ranges(ranges, bytes, count);
    void *metadata = metadata_of(frame_metadata_size(ranges, count, WORLD_CPUS));
    bench_cpu = 0;
    double start = world_thread_clock();
    frame_init(&frames, ranges, count, WORLD_CPUS, metadata);
    for (size_t i = 0; i < count; i++)
        frame_add(&frames, ranges[i].start, ranges[i].end);
    return world_thread_clock() - start;
}

void world_shuffle(uint64_t *array, size_t count)
{
    struct random random = random_start();
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(&random, i);
        uint64_t other = array[j];
        array[j] = array[i - 1];
        array[i - 1] = other;
    }
}

static double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double world_clock(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double world_thread_clock(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

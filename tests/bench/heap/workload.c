/* SPDX-License-Identifier: MIT */
/* Takes the name of a workload and runs it; what it cost is measured from outside, by launch.c. */
#include "tests/bench/heap/workload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    void (*run)(void);
} workloads[] = {
    {"small", objects_small},
    {"fifo", objects_fifo},
    {"trees", objects_trees},
    {"replace", objects_replace},
    {"medium", objects_replace_medium},
    {"aligned", objects_aligned},
    {"grow", resize_grow},
    {"strings", resize_strings},
    {"large", large_blocks},
    {"churn", churn_long_lived},
    {"pipeline", threads_pipeline},
    {"threads", threads_come_and_go},
    {"remote64", threads_remote64},
    {"idle-all", idle_all},
    {"idle-twentieth", idle_twentieth},
    {"start", idle_start},
};

static void *checked(void *block)
{
    if (block == NULL) {
        fputs("workload: out of memory\n", stderr);
        exit(2);
    }
    return block;
}

void *workload_alloc(size_t size)
{
    return checked(malloc(size));
}

void *workload_alloc_aligned(size_t align, size_t size)
{
    return checked(aligned_alloc(align, size));
}

void *workload_realloc(void *block, size_t size)
{
    return checked(realloc(block, size));
}

void workload_figure(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
}

double workload_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        if (argc == 2 && strcmp(argv[1], workloads[i].name) == 0) {
            workloads[i].run();
            return 0;
        }
    }
    fputs("usage: workload NAME, one of:", stderr);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        fprintf(stderr, " %s", workloads[i].name);
    fputs("\n", stderr);
    return 2;
}

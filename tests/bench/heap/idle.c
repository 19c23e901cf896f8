/* SPDX-License-Identifier: MIT */
/* Programs that do little: what is left of the memory they freed, and what it costs to start. */
#include "tests/bench/heap/workload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TOTAL = 280000000, ROUND_MS = 100, ROUNDS = 30, PER_ROUND = 200 };

/* The resident bytes of this program. */
static double resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long all, pages;
    if (file == NULL || fscanf(file, "%lu %lu", &all, &pages) != 2)
        abort();
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* 280 MB in objects of 16 to 1024 bytes, linked; gives the first. */
static void **fill(struct random *random)
{
    void **first = NULL;
    for (size_t bytes = 0; bytes < TOTAL;) {
        size_t size = 16 + random_below(random, 1009);
        void **object = workload_alloc(size);
        memset(object, 1, size);
        *object = first;
        first = object;
        bytes += size;
    }
    return first;
}

/* Frees all, or all but every keep-th. */
static void empty(void **object, size_t keep)
{
    for (size_t i = 1; object != NULL; i++) {
        void **next = *object;
        if (keep == 0 || i % keep != 0)
            free(object);
        object = next;
    }
}

/* 2000 small allocations a second for three seconds. */
static void idle(struct random *random)
{
    void *slots[64] = {0};
    const struct timespec pause = {.tv_nsec = ROUND_MS * 1000000L};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PER_ROUND; i++) {
            void **slot = &slots[random_below(random, 64)];
            free(*slot);
            *slot = workload_alloc(workload_size(random, 4, 10));
        }
        nanosleep(&pause, NULL);
    }
}

/* Prints how many percent of the memory at its fullest are left after idling. */
static void give_back(size_t keep)
{
    struct random random = {.state = 9};
    void **objects = fill(&random);
    double full = resident();
    empty(objects, keep);
    idle(&random);
    workload_figure("percent", resident() / full * 100);
}

void idle_all(void)
{
    give_back(0);
}

void idle_twentieth(void)
{
    give_back(20);
}

/* One block, so that the heap must start. */
void idle_start(void)
{
    free(workload_alloc(48));
}

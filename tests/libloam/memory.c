/* SPDX-License-Identifier: MIT */
/* Little memory, memory given back, memory locked. Limits are set by who runs this. */
#include "tests/libloam/corner.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Allocates blocks until there is no more, and frees them; gives the bytes it got. */
static size_t exhaust(size_t size)
{
    void **last = NULL, **block;
    size_t bytes = 0;
    while ((block = malloc(opaque(size))) != NULL) {
        require(bytes < (size_t)16 << 30);
        *block = last;
        last = block;
        bytes += size;
    }
    require(errno == ENOMEM);
    while (last != NULL) {
        block = *last;
        free(last);
        last = block;
    }
    return bytes;
}

/* Prints how many MiB could be had in blocks of several sizes; small ones first, and again. */
static void exhaust_and_go_on(void)
{
    static const size_t sizes[] = {4096, 100, 1000, 20000, 200000, 1 << 20, 6 << 20, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        printf("%zu: %zu MiB\n", sizes[i], exhaust(sizes[i]) >> 20);
        void *block = calloc(1, 100000);
        require(block != NULL);
        free(block);
    }
}

/* Allocates and checks 40 MiB of all sizes: less than any limit it is run under. */
static void use_40_mib(void)
{
    enum { COUNT = 3000 };
    static void *blocks[COUNT];
    size_t total = 0, count = 0;
    for (; count < COUNT && total < (size_t)40 << 20; count++) {
        size_t size = (size_t)1 << (4 + count * 7 % 17);
        blocks[count] = malloc(size);
        require(blocks[count] != NULL);
        corner_fill(blocks[count], size, (unsigned)count);
        total += size;
    }
    for (size_t i = 0; i < count; i++) {
        require(corner_is_filled(blocks[i], (size_t)1 << (4 + i * 7 % 17), (unsigned)i));
        free(blocks[i]);
    }
}

static void *use_40_mib_too(void *argument)
{
    use_40_mib();
    return argument;
}

/* Address space that was reserved before must not count. */
static void limits_may_come_later(void)
{
    const struct rlimit limit = {.rlim_cur = (size_t)1 << 30, .rlim_max = RLIM_INFINITY};
    free(opaque_pointer(malloc(1)));
    require(setrlimit(RLIMIT_AS, &limit) == 0);
    void *block = malloc(opaque((size_t)500 << 20));
    require(block != NULL);
    use_40_mib();
    pthread_t thread;
    require(pthread_create(&thread, NULL, use_40_mib_too, NULL) == 0);
    require(pthread_join(thread, NULL) == 0);
    require(malloc(opaque((size_t)1 << 30)) == NULL);
    free(block);
    exhaust_and_go_on();
}

enum { MANY = 400000 };

static void *many[MANY];

static size_t fill_many(void)
{
    for (size_t i = 0; i < MANY; i++) {
        many[i] = malloc(16 + i % 500);
        memset(many[i], 1, 16 + i % 500);
    }
    return corner_resident();
}

static void trim_gives_memory_back(void)
{
    size_t before = corner_resident(), full = fill_many();
    for (size_t i = 0; i < MANY; i++)
        free(many[i]);
    require(malloc_trim(0) == 1);
    require(corner_resident() < before + (full - before) / 10);
    malloc_trim(0);
    require(malloc_trim(0) == 0);
}

static void idle(int tenths)
{
    const struct timespec tenth = {.tv_nsec = 100000000};
    for (int i = 0; i < tenths; i++) {
        for (int j = 0; j < 200; j++)
            free(malloc(16 + (size_t)j));
        nanosleep(&tenth, NULL);
    }
}

static void idle_programs_give_memory_back(void)
{
    size_t before = corner_resident(), full = fill_many();
    for (size_t i = 0; i < MANY; i++)
        free(many[i]);
    idle(30);
    require(corner_resident() < before + (full - before) / 10);
}

static void sparse_slabs_give_pages_back(void)
{
    size_t before = corner_resident(), full = fill_many();
    for (size_t i = 0; i < MANY; i++)
        if (i % 100 != 0)
            free(many[i]);
    malloc_trim(0);
    require(corner_resident() < before + (full - before) / 2);
    for (size_t i = 0; i < MANY; i += 100)
        require(corner_is_filled(many[i], 0, 0) && *(char *)many[i] == 1);
    fill_many();
}

/* What is locked cannot be given back; calloc clears all the same. */
static void locked_memory_is_cleared(void)
{
    require(mlockall(MCL_CURRENT | MCL_FUTURE) == 0 || errno == EPERM || errno == ENOMEM);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1 << 14; size <= 8 << 20; size *= 2) {
            char *block = calloc(1, size);
            require(block != NULL);
            for (size_t i = 0; i < size; i += 64)
                require(block[i] == 0);
            memset(opaque_pointer(block), 1, size);
            free(block);
        }
        malloc_trim(0);
    }
}

static void leave_three_blocks(void)
{
    static void *kept[3];
    for (size_t i = 0; i < 3; i++)
        kept[i] = malloc(100000);
    require(kept[2] != NULL);
}

const struct corner corner_memory[] = {
    {"exhaust_and_go_on", exhaust_and_go_on},
    {"use_40_mib", use_40_mib},
    {"limits_may_come_later", limits_may_come_later},
    {"trim_gives_memory_back", trim_gives_memory_back},
    {"idle_programs_give_memory_back", idle_programs_give_memory_back},
    {"sparse_slabs_give_pages_back", sparse_slabs_give_pages_back},
    {"locked_memory_is_cleared", locked_memory_is_cleared},
    {"leave_three_blocks", leave_three_blocks},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Threads that come, go, and free what others allocated. */
#include "tests/libloam/corner.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/random.h"

static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    require(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

static void run(void *(*body)(void *), void *argument)
{
    require(pthread_join(start(body, argument), NULL) == 0);
}

enum { OBJECTS = 500 };

static void *leave_objects(void *argument)
{
    void **objects = argument;
    for (size_t i = 0; i < OBJECTS; i++) {
        size_t size = 16 + i * 97 % 5000;
        objects[i] = malloc(size);
        corner_fill(objects[i], size, (unsigned)i);
    }
    return NULL;
}

static void free_objects(void **objects)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        require(corner_is_filled(objects[i], 16 + i * 97 % 5000, (unsigned)i));
        free(objects[i]);
    }
}

static void objects_outlive_their_thread(void)
{
    void *objects[OBJECTS];
    run(leave_objects, objects);
    free_objects(objects);
}

static void threads_that_come_and_go_do_not_grow_memory(void)
{
    void *objects[OBJECTS];
    size_t early = 0;
    for (int i = 0; i < 500; i++) {
        run(leave_objects, objects);
        free_objects(objects);
        if (i == 100)
            early = corner_resident();
    }
    require(corner_resident() < early + (4 << 20));
}

static void *exit_early(void *argument)
{
    leave_objects(argument);
    pthread_exit(NULL);
}

static void pthread_exit_leaves_objects(void)
{
    void *objects[OBJECTS];
    run(exit_early, objects);
    free_objects(objects);
}

/* --- destructors of thread-specific data -------------------------------------------------------
 */

enum { KEYS = 8 };

static pthread_key_t keys[KEYS];
static unsigned destroyed; /* atomic */

struct kept {
    size_t key, rounds; /* it is put back so many times */
};

static void keep(size_t key, size_t rounds)
{
    struct kept *kept = malloc(sizeof *kept);
    *kept = (struct kept){key, rounds};
    pthread_setspecific(keys[key], kept);
}

/* Frees what it is given, and leaves more for the next round, as often as there are rounds. */
static void destroy(void *value)
{
    struct kept kept = *(struct kept *)value;
    malloc_trim(0);
    free(value);
    void *blocks[100];
    for (size_t i = 0; i < 100; i++)
        blocks[i] = malloc(i * 11);
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
    if (kept.rounds > 0)
        keep(kept.key, kept.rounds - 1);
}

static void *use_malloc(void *argument)
{
    free(opaque_pointer(malloc(100)));
    return argument;
}

static void *use_keys(void *argument)
{
    for (size_t i = 0; i < KEYS; i++)
        keep(i, i % 4);
    return argument;
}

/* Keys are made before libloam's own, and after: destructors run in this order. */
static void destructors_may_allocate(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        require(pthread_key_create(&keys[i], destroy) == 0);
        if (i == 3)
            run(use_malloc, NULL);
    }
    for (int i = 0; i < 100; i++)
        run(use_keys, NULL);
    size_t early = corner_resident();
    for (int i = 0; i < 200; i++)
        run(use_keys, NULL);
    require(destroyed == 300 * (1 + 2 + 3 + 4) * KEYS / 4 && corner_resident() < early + (2 << 20));
}

/* The C library keeps such a text for each thread, and frees it after the last destructor. */
static void *ask_for_text(void *argument)
{
    require(strerror(99999) != NULL);
    return argument;
}

static void what_is_freed_last_leaves_no_heap(void)
{
    for (int i = 0; i < 100; i++)
        run(ask_for_text, NULL);
    size_t early = corner_resident();
    for (int i = 0; i < 2000; i++)
        run(ask_for_text, NULL);
    require(corner_resident() < early + (2 << 20));
}

static void *allocate_some(void *argument)
{
    for (size_t size = 1; size < 5000; size += 100)
        free(opaque_pointer(malloc(size)));
    return argument;
}

/* The end of a thread is learnt from a key's destructor. */
static void threads_leave_no_heap_without_keys(void)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0)
        continue;
    for (int i = 0; i < 20; i++)
        run(allocate_some, NULL);
    size_t early = corner_resident();
    for (int i = 0; i < 200; i++)
        run(allocate_some, NULL);
    require(corner_resident() < early + (4 << 20));
}

/* --- many at once ------------------------------------------------------------------------------
 */

enum { SHARED = 4000, THREADS = 8, STEPS = 60000 };

static void *shared[SHARED];

/* Puts tagged blocks where others take them out and check them. */
static void *trade(void *argument)
{
    struct random random = {.state = (uint64_t)(uintptr_t)argument};
    for (size_t i = 0; i < STEPS; i++) {
        size_t power = random_below(&random, 13);
        size_t size = 8 + random_below(&random, (size_t)8 << power);
        uint64_t *block = malloc(size);
        require(block != NULL);
        block[0] = size;
        memset((char *)block + size - size % 8 - (size >= 16 ? 8 : 0), 0x5a, size >= 16 ? 8 : 0);
        uint64_t *old =
            __atomic_exchange_n(&shared[random_below(&random, SHARED)], block, __ATOMIC_ACQ_REL);
        if (old == NULL)
            continue;
        size_t last = (old[0] - old[0] % 8) / 8 - 1;
        require(old[0] < 16 || old[last] == 0x5a5a5a5a5a5a5a5a);
        free(old);
    }
    return NULL;
}

static void threads_trade_blocks(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = start(trade, (void *)(i + 1));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < SHARED; i++)
        free(shared[i]);
}

static pthread_barrier_t barrier;

static void *meet(void *argument)
{
    void *block = malloc(100);
    pthread_barrier_wait(&barrier);
    free(block);
    return argument;
}

static void three_hundred_threads_at_once(void)
{
    enum { MANY = 300 };
    pthread_t threads[MANY];
    pthread_barrier_init(&barrier, NULL, MANY);
    for (size_t i = 0; i < MANY; i++)
        threads[i] = start(meet, NULL);
    for (size_t i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
}

static void *still_there(void *argument)
{
    pthread_join(*(pthread_t *)argument, NULL);
    free(malloc(1000));
    exit(0);
}

static void main_thread_may_leave_first(void)
{
    static pthread_t main_thread;
    main_thread = pthread_self();
    free(malloc(100));
    start(still_there, &main_thread);
    pthread_exit(NULL);
}

/* --- loading at run time -----------------------------------------------------------------------
 */

static void *load(void *argument)
{
    for (int i = 0; i < 50; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW);
        require(library != NULL && dlsym(library, "cos") != NULL);
        require(dlopen("libnone.so", RTLD_NOW) == NULL && dlerror() != NULL);
        dlclose(library);
    }
    return argument;
}

static void libraries_come_and_go(void)
{
    pthread_t thread = start(load, NULL);
    load(NULL);
    pthread_join(thread, NULL);
}

/* As a plug-in, its malloc is there beside the program's. */
static void libloam_may_be_loaded_late(void)
{
    const char *path = getenv("LOAM_LIBRARY");
    require(path != NULL);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    require(library != NULL);
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
    void (*release)(void *) = (void (*)(void *))dlsym(library, "free");
    for (size_t i = 0; i < 1000; i++) {
        void *block = allocate(i * 10);
        memset(block, 1, i * 10);
        release(block);
    }
    dlclose(library);
    free(malloc(100));
}

const struct corner corner_threads[] = {
    {"objects_outlive_their_thread", objects_outlive_their_thread},
    {"threads_that_come_and_go_do_not_grow_memory", threads_that_come_and_go_do_not_grow_memory},
    {"pthread_exit_leaves_objects", pthread_exit_leaves_objects},
    {"destructors_may_allocate", destructors_may_allocate},
    {"what_is_freed_last_leaves_no_heap", what_is_freed_last_leaves_no_heap},
    {"threads_leave_no_heap_without_keys", threads_leave_no_heap_without_keys},
    {"threads_trade_blocks", threads_trade_blocks},
    {"three_hundred_threads_at_once", three_hundred_threads_at_once},
    {"main_thread_may_leave_first", main_thread_may_leave_first},
    {"libraries_come_and_go", libraries_come_and_go},
    {"libloam_may_be_loaded_late", libloam_may_be_loaded_late},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Processes that copy themselves, wherever they are. */
#include "tests/libloam/corner.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/random.h"

enum { SHARED = 1000, THREADS = 3 };

static void *shared[SHARED];
static bool is_over; /* atomic */

static void allocate_some(struct random *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *block = malloc(1 + random_below(random, (size_t)1 << random_below(random, 18)));
        require(block != NULL);
        *(char *)block = 1;
        free(__atomic_exchange_n(&shared[random_below(random, SHARED)], block, __ATOMIC_ACQ_REL));
    }
}

static void *allocate(void *argument)
{
    struct random random = {.state = (uint64_t)(uintptr_t)argument};
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
        allocate_some(&random, 100);
    return NULL;
}

/* What a child does: allocates, frees what other threads allocated, and starts threads. */
static void *live(void *argument)
{
    struct random random = {.state = 99};
    allocate_some(&random, 5000);
    return argument;
}

static void live_on(void)
{
    live(NULL);
    pthread_t thread;
    require(pthread_create(&thread, NULL, live, NULL) == 0);
    require(pthread_join(thread, NULL) == 0);
}

static void fork_and_wait(void)
{
    pid_t child = fork();
    require(child >= 0);
    if (child == 0) {
        alarm(30);
        live_on();
        _exit(0);
    }
    require(corner_wait(child) == 0);
}

static void fork_while_others_allocate(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, allocate, (void *)(i + 1)) == 0);
    struct random random = {.state = 77};
    for (int i = 0; i < 20; i++) {
        fork_and_wait();
        allocate_some(&random, 1000);
    }
    __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void children_fork_again(void)
{
    struct random random = {.state = 5};
    allocate_some(&random, 1000);
    pid_t child = fork();
    if (child == 0) {
        allocate_some(&random, 1000);
        fork_and_wait();
        _exit(0);
    }
    require(corner_wait(child) == 0);
}

/* --- others' handlers around fork ---------------------------------------------------------------
 */

static void *kept;

static void before(void)
{
    free(kept);
    kept = malloc(300000);
}

static void after(void)
{
    free(kept);
    kept = malloc(100);
}

static void fork_handlers_may_allocate(void)
{
    require(pthread_atfork(before, after, after) == 0);
    fork_while_others_allocate();
}

/* A library's lock, which its users hold while they allocate, and its handlers around fork. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

static void library_before(void)
{
    pthread_mutex_lock(&library_lock);
}

static void library_after(void)
{
    pthread_mutex_unlock(&library_lock);
}

/* Before the constructors of all libraries, but for one that the linker was told to start first. */
static void library_start(void)
{
    pthread_atfork(library_before, library_after, library_after);
}

static __attribute__((section(".preinit_array"), used)) void (*const early)(void) = library_start;

static void *allocate_under_lock(void *argument)
{
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
        pthread_mutex_lock(&library_lock);
        free(opaque_pointer(malloc(100000)));
        free(opaque_pointer(malloc((size_t)5 << 20)));
        pthread_mutex_unlock(&library_lock);
    }
    return argument;
}

static void fork_handlers_may_wait_for_who_allocates(void)
{
    alarm(30);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, allocate_under_lock, NULL) == 0);
    for (int i = 0; i < 50; i++)
        fork_and_wait();
    __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* --- from a signal handler ----------------------------------------------------------------------
 */

static volatile sig_atomic_t forked, failed;

static void on_signal(int number)
{
    (void)number;
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 3)
        failed = 1;
    forked++;
}

/* The signal comes once a turn, somewhere in it. */
static void fork_from_a_signal_handler(void)
{
    enum { TURNS = 150 };
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct random random = {.state = 3};
    for (int i = 0; i < TURNS; i++) {
        struct itimerspec soon = {.it_value.tv_nsec = 1 + (long)random_below(&random, 200000)};
        timer_settime(timer, 0, &soon, NULL);
        while (forked <= i)
            allocate_some(&random, 10);
    }
    require(!failed);
}

/* --- vfork and exec ------------------------------------------------------------------------------
 */

static pid_t run_true(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    return child;
}

static void vfork_and_exec(void)
{
    struct random random = {.state = 4};
    for (int i = 0; i < 20; i++) {
        allocate_some(&random, 1000);
        require(corner_wait(run_true()) == 0);
    }
    require(system("exit 5") == 5 << 8);
}

const struct corner corner_forks[] = {
    {"fork_while_others_allocate", fork_while_others_allocate},
    {"children_fork_again", children_fork_again},
    {"fork_handlers_may_allocate", fork_handlers_may_allocate},
    {"fork_handlers_may_wait_for_who_allocates", fork_handlers_may_wait_for_who_allocates},
    {"fork_from_a_signal_handler", fork_from_a_signal_handler},
    {"vfork_and_exec", vfork_and_exec},
    {NULL, NULL},
};

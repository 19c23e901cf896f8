/* SPDX-License-Identifier: MIT */
/* Threads that free what others allocated. */
#include "tests/bench/heap/workload.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

/* --- a queue of batches between two threads; its waiting costs little against a batch's work -----
 */

enum { BATCH = 1000, DEPTH = 16 };

struct batch {
    void *objects[BATCH];
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct batch batches[DEPTH];
    size_t put, taken; /* so far; lock */
};

static struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
                             .changed = PTHREAD_COND_INITIALIZER};

/* The next batch to fill, once there is room for it. */
static struct batch *queue_room(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.put - queue.taken == DEPTH)
        pthread_cond_wait(&queue.changed, &queue.lock);
    struct batch *batch = &queue.batches[queue.put % DEPTH];
    pthread_mutex_unlock(&queue.lock);
    return batch;
}

/* The next batch to empty, once there is one. */
static struct batch *queue_next(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.put == queue.taken)
        pthread_cond_wait(&queue.changed, &queue.lock);
    struct batch *batch = &queue.batches[queue.taken % DEPTH];
    pthread_mutex_unlock(&queue.lock);
    return batch;
}

/* Counts one up. Who sleeps is woken when the queue is half full: seldom. */
static void queue_count(size_t *counter)
{
    pthread_mutex_lock(&queue.lock);
    ++*counter;
    if (queue.put - queue.taken == DEPTH / 2)
        pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

/* Wakes the consumer for what is left in a queue that never fills by half again. */
static void queue_end(void)
{
    pthread_mutex_lock(&queue.lock);
    pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

/* --- one allocates, another frees ---------------------------------------------------------------
 */

struct transfer {
    size_t batches;
    size_t low, span;               /* sizes: low + [0, span) */
    double *put_times, *free_times; /* nanoseconds that each batch took */
};

/* Puts the calling thread on a CPU of its own, if it may choose: or the two might share one. */
static void settle(int number)
{
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) < 2)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (!CPU_ISSET(cpu, &cpus) || number-- != 0)
            CPU_CLR(cpu, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
}

static void *consume(void *argument)
{
    const struct transfer *transfer = argument;
    settle(1);
    for (size_t i = 0; i < transfer->batches; i++) {
        struct batch *batch = queue_next();
        double start = workload_nanoseconds();
        for (size_t j = 0; j < BATCH; j++)
            free(batch->objects[j]);
        transfer->free_times[i] = workload_nanoseconds() - start;
        queue_count(&queue.taken);
    }
    return NULL;
}

static void produce(const struct transfer *transfer)
{
    struct random random = {.state = 8};
    settle(0);
    for (size_t i = 0; i < transfer->batches; i++) {
        struct batch *batch = queue_room();
        double start = workload_nanoseconds();
        for (size_t j = 0; j < BATCH; j++) {
            size_t size = transfer->low;
            if (transfer->span > 1)
                size += random_next(&random) % transfer->span;
            batch->objects[j] = workload_alloc(size);
            *(uint64_t *)batch->objects[j] = j;
        }
        transfer->put_times[i] = workload_nanoseconds() - start;
        queue_count(&queue.put);
    }
    queue_end();
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* Prints nanoseconds for one object, both sides together, without the queue: those of the median
 * batch, in which no thread was kept waiting for a CPU. */
static void run_transfer(struct transfer transfer)
{
    size_t count = transfer.batches;
    double *times = workload_alloc(2 * count * sizeof *times);
    transfer.put_times = times;
    transfer.free_times = times + count;
    pthread_t consumer;
    if (pthread_create(&consumer, NULL, consume, &transfer) != 0)
        abort();
    produce(&transfer);
    pthread_join(consumer, NULL);
    double both = median(transfer.put_times, count) + median(transfer.free_times, count);
    workload_figure("nanoseconds", both / BATCH);
    free(times);
}

void threads_pipeline(void)
{
    run_transfer((struct transfer){.batches = 4000, .low = 16, .span = 1009});
}

void threads_remote64(void)
{
    run_transfer((struct transfer){.batches = 8000, .low = 64, .span = 1});
}

/* --- threads that come and go -------------------------------------------------------------------
 */

enum { AT_ONCE = 4, GENERATIONS = 200, SLOTS = 1000, STEPS = 4000 };

static void *shelves[AT_ONCE][SLOTS]; /* what a thread leaves for the next on its shelf */

static void *visit(void *argument)
{
    size_t turn = (size_t)argument;
    void **shelf = shelves[turn % AT_ONCE];
    struct random random = {.state = turn};
    for (size_t i = 0; i < STEPS; i++) {
        void **slot = &shelf[random_below(&random, SLOTS)];
        size_t size = workload_size(&random, 4, 10);
        free(*slot);
        *slot = workload_alloc(size);
        workload_touch(*slot, size);
    }
    return NULL;
}

void threads_come_and_go(void)
{
    for (size_t generation = 0; generation < GENERATIONS; generation++) {
        pthread_t threads[AT_ONCE];
        for (size_t i = 0; i < AT_ONCE; i++)
            if (pthread_create(&threads[i], NULL, visit, (void *)(generation * 5 + i)) != 0)
                abort();
        for (size_t i = 0; i < AT_ONCE; i++)
            pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < AT_ONCE; i++)
        for (size_t j = 0; j < SLOTS; j++)
            free(shelves[i][j]);
}

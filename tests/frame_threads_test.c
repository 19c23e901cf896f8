/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/alloc/frame.c with several threads at once, each a CPU: every frame that a thread gets
 * is marked as taken in a table of bytes, so that one given out twice is seen; blocks are handed
 * over and freed by other threads. Built a second time with ThreadSanitizer.
 */
#include "lib/alloc/frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/alloc/frame_tree.h"
#include "tests/host/random.h"

#define THREADS  4
#define CPUS     4
#define MAILBOX  256
#define ALL      (SPAN_FRAMES + 5 * BLOCK_FRAMES + 77)
#define OFFSET   13 /* of the first frame that is managed */
#define HELD_MAX 512

static struct frames frames;
static void *metadata;
static uint8_t taken[ALL];
static uint64_t mailbox[MAILBOX]; /* 1 + frame << 8 | order: to be freed by whoever finds it */
static unsigned wants_drain[THREADS];

struct worker {
    pthread_t thread;
    unsigned cpu;
    struct random random;
    uint64_t held[HELD_MAX];
    size_t count;
    unsigned order_max;
    uint64_t end; /* of memory */
};

/* What a CPU does when another one asks for it: at its next call. */
static void ask_for_drain(struct frames *of)
{
    (void)of;
    for (unsigned i = 0; i < THREADS; i++)
        atomic_poke(&wants_drain[i], 1);
}

static void mark(uint64_t block, uint8_t from, uint8_t to)
{
    uint64_t frame = block >> 8, end = frame + ((uint64_t)1 << (block & 0xff));
    for (; frame < end; frame++)
        if (atomic_exchange(&taken[frame], to) != from)
            fail_msg("frame 0x%lx is given out twice", frame);
}

static void give_back(uint64_t block)
{
    mark(block, 1, 0);
    frame_free(&frames, (frame_t){block >> 8}, block & 0xff);
}

static void take(struct worker *worker)
{
    uint64_t k = random_below(&worker->random, 12);
    unsigned order = k < 8 ? 0 : (unsigned)random_below(&worker->random, worker->order_max + 1);
    struct frame_request request = {.order = (uint8_t)order};
    if (random_once_in(&worker->random, 10))
        request.below.number = worker->end / 3;
    frame_t frame = frame_alloc(&frames, request);
    if (frame_is_none(frame))
        return;
    uint64_t block = frame.number << 8 | order;
    mark(block, 0, 1);
    worker->held[worker->count++] = block;
}

/* Frees a block itself, or leaves it in the mailbox and frees what was there. */
static void drop(struct worker *worker)
{
    size_t chosen = random_below(&worker->random, worker->count);
    uint64_t block = worker->held[chosen];
    worker->held[chosen] = worker->held[--worker->count];
    if (random_once_in(&worker->random, 2)) {
        give_back(block);
        return;
    }
    uint64_t *slot = &mailbox[random_below(&worker->random, MAILBOX)];
    uint64_t other = atomic_exchange(slot, block + 1);
    if (other != 0)
        give_back(other - 1);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    host_frame_cpu = worker->cpu;
    for (uint64_t steps = random_steps(20000); worker->random.step < steps; worker->random.step++) {
        if (atomic_exchange(&wants_drain[worker->cpu], 0) != 0)
            frame_drain(&frames);
        bool growing = worker->random.step / 5000 % 2 == 0;
        bool takes = random_below(&worker->random, 10) < (growing ? 7 : 3);
        if (worker->count == 0 || (takes && worker->count < HELD_MAX))
            take(worker);
        else
            drop(worker);
        if (random_once_in(&worker->random, 64)) {
            uint64_t frame = OFFSET + random_below(&worker->random, worker->end - OFFSET);
            if (frame_alloc_at(&frames, (frame_t){frame}, 0)) {
                mark(frame << 8, 0, 1);
                give_back(frame << 8);
            }
        }
    }
    while (worker->count > 0)
        drop(worker);
    frame_drain(&frames);
    return NULL;
}

static void tell(const char *sentence)
{
    print_error("%s\n", sentence);
}

static void set_up(uint64_t end)
{
    struct frame_range range = {{OFFSET}, {end}};
    metadata = malloc(frame_metadata_size(&range, 1, CPUS));
    frame_init(&frames, &range, 1, CPUS, metadata);
    frame_add(&frames, range.start, range.end);
    memset(taken, 0, sizeof taken);
    memset(mailbox, 0, sizeof mailbox);
}

static void run(uint64_t end, unsigned order_max)
{
    static struct worker workers[THREADS];
    host_frame_drain = ask_for_drain;
    set_up(end);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.cpu = i, .order_max = order_max, .end = end};
        workers[i].random = random_start();
        workers[i].random.state += i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < MAILBOX; i++)
        if (mailbox[i] != 0)
            give_back(mailbox[i] - 1);
    assert_true(frame_drain(&frames));
    assert_int_equal(frame_check(&frames, tell), 0);
    assert_int_equal(frame_free_count(&frames), frames.total);
    free(metadata);
    host_frame_drain = NULL;
}

/* More is wanted than there is: stealing, draining and failing all the time. */
static void threads_fight_for_a_little_memory(void **state)
{
    (void)state;
    host_frame_debug = false;
    run(3 * BLOCK_FRAMES + 77, 8);
}

static void threads_share_memory_of_all_orders(void **state)
{
    (void)state;
    host_frame_debug = false;
    run(ALL, 18);
}

static void threads_are_checked_by_the_debug_records(void **state)
{
    (void)state;
    host_frame_debug = true;
    run(ALL, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_fight_for_a_little_memory),
        cmocka_unit_test(threads_share_memory_of_all_orders),
        cmocka_unit_test(threads_are_checked_by_the_debug_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

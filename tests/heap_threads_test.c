/* SPDX-License-Identifier: MIT */
/*
 * The heap under threads, watched by ThreadSanitizer: blocks freed by others than their owners,
 * threads that come and go, runs and mappings under the lock, purging meanwhile. Every block has a
 * tag that no other has.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "tests/host/random.h"

enum { THREADS = 4, SHELF = 256, ROUNDS = 60000, GENERATIONS = 12 };

static struct heap_world world;
static struct heap heaps[THREADS * GENERATIONS];
static unsigned heaps_made;

/* Where threads leave blocks for each other. */
static uint64_t *shelf[SHELF];

static int start_over(void **state)
{
    (void)state;
    host_heap_start(&world, 0, 4 * GIB, 0);
    heaps_made = 0;
    memset(shelf, 0, sizeof shelf);
    return 0;
}

static void print_sentence(const char *sentence)
{
    print_error("heap_check: %s\n", sentence);
}

static struct heap *enter(void)
{
    struct heap *heap = heap_adopt(&world);
    if (heap != NULL)
        return heap;
    heap = &heaps[__atomic_fetch_add(&heaps_made, 1, __ATOMIC_RELAXED)];
    heap_init(heap, &world);
    return heap;
}

/* A block says its size and, at both ends, its tag: its own address and the size, mixed. */
static uint64_t tag_of(const uint64_t *block)
{
    return ((uintptr_t)block ^ block[0]) * 0x9e3779b97f4a7c15;
}

static uint64_t *make_block(struct heap *heap, size_t size)
{
    uint64_t *block = heap_alloc(heap, size);
    assert_non_null(block);
    block[0] = size;
    block[1] = tag_of(block);
    block[size / 8 - 1] = block[1];
    return block;
}

static void free_block(struct heap *heap, uint64_t *block)
{
    if (block == NULL)
        return;
    assert_int_equal(block[1], tag_of(block));
    assert_int_equal(block[block[0] / 8 - 1], block[1]);
    heap_free(heap, block);
}

static size_t random_size(struct random *dice)
{
    if (random_once_in(dice, 500))
        return 40000 + random_below(dice, 2000000);
    return 24 + random_below(dice, random_once_in(dice, 20) ? 30000 : 300);
}

/* Puts a new block on the shelf and frees what lay there, whoever made it. */
static void exchange(struct heap *heap, struct random *dice)
{
    uint64_t *block = make_block(heap, random_size(dice));
    if (random_once_in(dice, 4)) {
        block = heap_realloc(heap, block, 2 * block[0]);
        block[0] *= 2;
        block[1] = tag_of(block);
        block[block[0] / 8 - 1] = block[1];
    }
    free_block(heap,
               __atomic_exchange_n(&shelf[random_below(dice, SHELF)], block, __ATOMIC_ACQ_REL));
}

static void *live_a_while(void *number)
{
    struct heap *heap = enter();
    struct random dice = random_start();
    dice.state += (uintptr_t)number;
    for (size_t round = 0; round < ROUNDS / GENERATIONS; round++) {
        exchange(heap, &dice);
        if (round % 1000 == 0)
            heap_tick(heap, round * 10 + 5000);
        if (round % 3000 == 0)
            heap_trim(heap);
    }
    heap_park(heap);
    return NULL;
}

static void run_threads(void *(*body)(void *), size_t salt)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)(salt * THREADS + i)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* Every heap, parked by now, is collected until nothing moves any more. */
static void assert_all_returned(void)
{
    struct heap *parked[THREADS * GENERATIONS];
    size_t count = 0;
    for (struct heap *heap = heap_adopt(&world); heap != NULL; heap = heap_adopt(&world))
        parked[count++] = heap;
    assert_int_equal(count, heaps_made);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++)
            heap_trim(parked[i]);
    struct heap_stats stats;
    heap_stats(&world, &stats);
    assert_int_equal(heap_check(&world, print_sentence), 0);
    assert_int_equal(stats.free_bytes, stats.arena_bytes);
    assert_int_equal(stats.huge + stats.runs, 0);
    assert_int_equal(stats.taken, world.record_bytes);
}

static void threads_free_each_others_blocks_and_come_and_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < GENERATIONS; i++)
        run_threads(live_a_while, i);
    assert_true(heaps_made <= 2 * THREADS); /* some are looked after by others just then */
    struct heap *heap = enter();
    for (size_t i = 0; i < SHELF; i++)
        free_block(heap, shelf[i]);
    heap_park(heap);
    assert_all_returned();
}

/* One makes, the next frees: a ring of mailboxes, each with room for one batch. */
enum { BATCH = 1000, BATCHES = 40 };

static uint64_t **mailbox[THREADS];

static void send(size_t to, uint64_t **batch)
{
    uint64_t **none = NULL;
    while (!__atomic_compare_exchange_n(&mailbox[to], &none, batch, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        none = NULL;
}

static uint64_t **receive(size_t at)
{
    uint64_t **batch = NULL;
    while (batch == NULL)
        batch = __atomic_exchange_n(&mailbox[at], NULL, __ATOMIC_ACQUIRE);
    return batch;
}

static void *hand_on(void *number)
{
    size_t self = (uintptr_t)number % THREADS;
    struct heap *heap = enter();
    for (size_t i = 0; i < BATCHES; i++) {
        uint64_t **batch = (uint64_t **)make_block(heap, BATCH * sizeof *batch);
        for (size_t k = 0; k < BATCH; k++)
            batch[k] = make_block(heap, 64);
        send((self + 1) % THREADS, batch);
        batch = receive(self);
        for (size_t k = 0; k < BATCH; k++)
            free_block(heap, batch[k]);
        heap_free(heap, batch);
    }
    heap_park(heap);
    return NULL;
}

static void batches_handed_on_do_not_grow_the_heap(void **state)
{
    (void)state;
    run_threads(hand_on, 0);
    assert_true(world.taken_max < (size_t)THREADS * BATCHES * BATCH * 64 / 2);
    assert_true(world.wakes > 0);
    assert_all_returned();
}

#define TEST(function) cmocka_unit_test_setup(function, start_over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_free_each_others_blocks_and_come_and_go),
        TEST(batches_handed_on_do_not_grow_the_heap),
    };
    int failed = cmocka_run_group_tests_name("heap, threads", tests, NULL, NULL);
    host_heap_harden = true;
    return failed + cmocka_run_group_tests_name("heap, threads, hardened", tests, NULL, NULL);
}

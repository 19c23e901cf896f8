/* SPDX-License-Identifier: MIT */
/*
 * Memory that a program freed goes back to the port although nobody asks: by a clock that stands
 * still but for this test, as the program goes on with little. What the port has given out is
 * counted to the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "tests/host/random.h"

enum {
    BLOCKS = 200000, /* of 16 to 1024 bytes */
    PER_MS = 2,      /* blocks of an idle program */
    IDLE_MS = 3000,
};

static struct heap_world world;
static struct heap heap;
static unsigned char *blocks[BLOCKS];
static size_t sizes[BLOCKS];
static uint64_t freed_at; /* milliseconds */
static size_t peak;

static void print_sentence(const char *sentence)
{
    print_error("heap_check: %s\n", sentence);
}

/* What the port gave is what the heap says that it took. */
static size_t held(void)
{
    assert_int_equal(host_heap_committed + host_heap_mapped, heap_taken(&world));
    return host_heap_committed + host_heap_mapped;
}

static int fill_and_free(unsigned keep_every)
{
    struct random dice = random_start();
    host_heap_commits = true;
    host_heap_start(&world, 0, 4 * GIB, 0);
    host_heap_ticks = true;
    heap_init(&heap, &world);
    for (size_t i = 0; i < BLOCKS; i++) {
        sizes[i] = 16 + random_below(&dice, 1009);
        blocks[i] = heap_alloc(&heap, sizes[i]);
        memset(blocks[i], (int)i, 16);
    }
    peak = held();
    for (size_t i = 0; i < BLOCKS; i++)
        if (keep_every == 0 || i % keep_every != 0)
            heap_free(&heap, blocks[i]);
    freed_at = host_heap_clock;
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    return fill_and_free(0);
}

static int free_all_but_one_in_twenty(void **state)
{
    (void)state;
    return fill_and_free(20);
}

/* A little is allocated and freed until so many milliseconds after the free. */
static size_t idle_until(unsigned until)
{
    while (host_heap_clock < freed_at + until) {
        for (size_t i = 0; i < PER_MS; i++)
            heap_free(&heap, heap_alloc(&heap, 16 + host_heap_clock % 200));
        host_heap_clock++;
    }
    assert_int_equal(heap_check(&world, print_sentence), 0);
    return held();
}

static void nothing_goes_back_before_it_is_a_second_old(void **state)
{
    (void)state;
    size_t before = held();
    assert_true(idle_until(990) >= before);
    assert_true(world.returned == 0);
}

static void all_that_was_freed_goes_back(void **state)
{
    (void)state;
    assert_true(idle_until(IDLE_MS) <= peak / 10);
}

/* Of pages in which there is something of every twentieth block. */
static size_t kept_bytes(void)
{
    static bool kept[64 * 1024];
    size_t bytes = 0;
    memset(kept, 0, sizeof kept);
    for (size_t i = 0; i < BLOCKS; i += 20) {
        size_t page = ((uintptr_t)blocks[i] - world.arena) / HEAP_PAGE;
        size_t last = ((uintptr_t)blocks[i] + sizes[i] - 1 - world.arena) / HEAP_PAGE;
        for (; page <= last; page++) {
            assert_true(page < sizeof kept);
            bytes += kept[page] ? 0 : HEAP_PAGE;
            kept[page] = true;
        }
    }
    return bytes;
}

static void what_lies_between_kept_blocks_goes_back(void **state)
{
    (void)state;
    assert_true(idle_until(IDLE_MS) <= peak * 35 / 100);
    for (size_t i = 0; i < BLOCKS; i += 20)
        for (size_t k = 0; k < 16; k++)
            assert_int_equal(blocks[i][k], (unsigned char)i);
}

static void a_heap_that_does_nothing_gives_back_when_its_tick_comes(void **state)
{
    (void)state;
    for (int second = 0; second < 3; second++) {
        host_heap_clock += 1000;
        heap_tick(&heap, host_heap_clock);
    }
    assert_true(held() <= peak / 10);
}

static void a_trim_leaves_nothing(void **state)
{
    (void)state;
    size_t before = held(), trimmed = heap_trim(&heap);
    assert_int_equal(held(), before - trimmed);
    assert_int_equal(held(), 0);
    assert_int_equal(world.returned, trimmed);
}

static void a_trim_leaves_the_pages_of_kept_blocks(void **state)
{
    (void)state;
    heap_trim(&heap);
    assert_int_equal(held(), kept_bytes());
    for (size_t i = 0; i < BLOCKS; i += 20)
        heap_free(&heap, blocks[i]);
    heap_trim(&heap);
    assert_int_equal(held(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_goes_back_before_it_is_a_second_old, free_all),
        cmocka_unit_test_setup(all_that_was_freed_goes_back, free_all),
        cmocka_unit_test_setup(what_lies_between_kept_blocks_goes_back, free_all_but_one_in_twenty),
        cmocka_unit_test_setup(a_heap_that_does_nothing_gives_back_when_its_tick_comes, free_all),
        cmocka_unit_test_setup(a_trim_leaves_nothing, free_all),
        cmocka_unit_test_setup(a_trim_leaves_the_pages_of_kept_blocks, free_all_but_one_in_twenty),
    };
    return cmocka_run_group_tests_name("heap gives back", tests, NULL, NULL);
}

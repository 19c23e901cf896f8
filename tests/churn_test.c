/* SPDX-License-Identifier: MIT */
/* Tests lib/churn.c over a world that counts: a frame is held at most once, by whoever took it. */
#include "lib/churn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FRAMES 1000
#define CPUS   7

static bool taken[FRAMES];
static size_t calls[CPUS]; /* on each CPU */
static uint64_t held[FRAMES + 1];

/* Any free frame, from a place that moves on. */
static uint64_t alloc(unsigned cpu)
{
    static size_t place;
    assert_true(cpu < CPUS);
    calls[cpu]++;
    for (size_t i = 0; i < FRAMES; i++) {
        place = (place + 17) % FRAMES;
        if (!taken[place]) {
            taken[place] = true;
            return place;
        }
    }
    return CHURN_NONE;
}

static void give_back(unsigned cpu, uint64_t frame)
{
    assert_true(cpu < CPUS);
    calls[cpu]++;
    assert_true(frame < FRAMES && taken[frame]);
    taken[frame] = false;
}

static const struct churn_world world = {alloc, give_back, CPUS};

static size_t frames_taken(void)
{
    size_t count = 0;
    for (size_t i = 0; i < FRAMES; i++)
        count += taken[i];
    return count;
}

static void it_fills_frees_and_goes_on_with_as_many(void **state)
{
    (void)state;
    struct churn churn = {&world, held, FRAMES + 1, .random = 1};
    memset(calls, 0, sizeof calls);
    churn_fill(&churn);
    assert_int_equal(churn.count, FRAMES);
    assert_int_equal(frames_taken(), FRAMES);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        assert_in_range(calls[cpu], FRAMES / CPUS, FRAMES / CPUS + 2);
    churn_free_share(&churn, 30);
    assert_int_equal(churn.freed, 300);
    assert_int_equal(frames_taken(), 700);

    memset(calls, 0, sizeof calls);
    for (int round = 0; round < 100; round++) {
        churn_round(&churn);
        assert_int_equal(frames_taken(), 700);
    }
    size_t all = 0;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        assert_int_equal(calls[cpu] % (2 * 30), 0); /* whole rounds */
        assert_true(calls[cpu] > 0);
        all += calls[cpu];
    }
    assert_int_equal(all, 100 * 2 * 30);
    churn_empty(&churn);
    assert_int_equal(frames_taken(), 0);
}

static void what_is_freed_lies_everywhere_and_not_in_order(void **state)
{
    (void)state;
    struct churn churn = {&world, held, FRAMES, .random = 1};
    churn_fill(&churn);
    churn_free_share(&churn, 50);
    for (size_t start = 0; start < FRAMES; start += 100) {
        size_t left = 0;
        for (size_t i = start; i < start + 100; i++)
            left += taken[i];
        assert_in_range(left, 30, 70);
    }
    churn_empty(&churn);
}

static void it_takes_no_more_than_it_has_room_for(void **state)
{
    (void)state;
    struct churn churn = {&world, held, 10, .random = 1};
    churn_fill(&churn);
    assert_int_equal(churn.count, 10);
    assert_int_equal(frames_taken(), 10);
    churn_empty(&churn);
}

/* Somebody else takes what the churn frees. */
static uint64_t nothing(unsigned cpu)
{
    (void)cpu;
    return CHURN_NONE;
}

static void it_goes_on_with_less_where_memory_runs_out(void **state)
{
    (void)state;
    static const struct churn_world poor = {nothing, give_back, CPUS};
    struct churn churn = {&world, held, FRAMES, .random = 1};
    churn_fill(&churn);
    churn_free_share(&churn, 50);
    churn.world = &poor;
    for (int round = 0; round < 20; round++)
        churn_round(&churn);
    assert_int_equal(churn.count, 0);
    assert_int_equal(frames_taken(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fills_frees_and_goes_on_with_as_many),
        cmocka_unit_test(what_is_freed_lies_everywhere_and_not_in_order),
        cmocka_unit_test(it_takes_no_more_than_it_has_room_for),
        cmocka_unit_test(it_goes_on_with_less_where_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/brk.c page by page against tests/host/model.c. The letters are those of the cases
 * that Linux was asked about brk and sbrk. */
#include "kernel/mm/brk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/memlayout.h"
#include "tests/host/machine.h"
#include "tests/host/model.h"
#include "tests/host/ram.h"
#include "tests/host/random.h"

#define PAGE  ((intptr_t)PAGE_SIZE)
#define START MEMLAYOUT_BRK_START
#define TABLE MEMLAYOUT_HEAP_TABLE_START
#define FLAGS (PAGE_READ | PAGE_WRITE | PAGE_GLOBAL)

static struct model model;

static void begin_at(uintptr_t window)
{
    model_start(&model, START, MEMLAYOUT_HEAP_TABLE_END, window);
    brk_init(&model.space);
}

static int begin(void **state)
{
    *state = &model;
    begin_at(START);
    return 0;
}

static int begin_table(void **state)
{
    *state = &model;
    begin_at(TABLE);
    return 0;
}

static uintptr_t now(void)
{
    return (uintptr_t)ksbrk(0);
}

/* The model follows the break from `old` to `new`. */
static void follow(uintptr_t old, uintptr_t new)
{
    size_t have = (old - model.window + PAGE_SIZE - 1) / PAGE_SIZE;
    size_t want = (new - model.window + PAGE_SIZE - 1) / PAGE_SIZE;
    if (want > have)
        model_map(&model, have, want, FLAGS);
    else
        model_unmap(&model, want, have);
}

static void move(intptr_t delta)
{
    uintptr_t old = now();
    assert_ptr_equal(ksbrk(delta), (void *)old);
    assert_int_equal(now(), old + (uintptr_t)delta); /* B2b, B3b: exact, not rounded */
    follow(old, now());
    model_compare(&model, __func__);
}

static void refuse(intptr_t delta)
{
    uintptr_t old = now();
    uint64_t free = ram_free();
    assert_ptr_equal(ksbrk(delta), (void *)-1);
    assert_int_equal(now(), old);
    assert_int_equal(ram_free(), free);
    model_compare(&model, __func__);
}

static void write_pages(void)
{
    for (size_t page = 0; page < MODEL_PAGES; page++)
        model_write(&model, page, 0xabcd0000 + page);
}

static void b1_the_break_begins_at_its_window(void **state)
{
    (void)state;
    assert_int_equal(now(), START);
    move(0);
    assert_int_equal(model.space.region_count, 0);
}

static void b2_b3_growth_is_exact_and_zero(void **state)
{
    (void)state;
    move(1);
    move(1);
    move(4 * PAGE - 2);
    move(1);
    assert_int_equal(now(), START + 4 * PAGE_SIZE + 1);
    assert_int_equal(model.space.region_count, 1);
}

static void b4_regrown_pages_are_zero(void **state)
{
    (void)state;
    move(10 * PAGE);
    write_pages();
    move(-10 * PAGE);
    assert_int_equal(model.space.region_count, 0);
    move(10 * PAGE);
    write_pages();
    move(-3 * PAGE - 1);
    move(3 * PAGE + 1);
}

static void b5_below_the_start_is_refused(void **state)
{
    (void)state;
    refuse(-1);
    move(PAGE + 5);
    write_pages();
    refuse(-PAGE - 6);
    refuse(INTPTR_MIN);
    refuse(INTPTR_MIN + 1);
    move(-PAGE - 5);
}

static void b6_b7_beyond_the_window_is_refused(void **state)
{
    (void)state;
    move(100);
    write_pages();
    intptr_t room = (intptr_t)(MEMLAYOUT_BRK_END - now());
    refuse(room + 1);
    refuse(room + PAGE);
    refuse(INTPTR_MAX);
    refuse(INTPTR_MAX - 99);
}

static void b8_growth_does_not_replace_what_is_mapped(void **state)
{
    (void)state;
    move(PAGE);
    write_pages();
    assert_int_equal(
        aspace_map(&model.space, START + 3 * PAGE_SIZE, START + 4 * PAGE_SIZE, PAGE_READ), 0);
    model_map(&model, 3, 4, PAGE_READ);
    refuse(4 * PAGE);
    move(2 * PAGE);
}

static void b9_growth_beyond_memory_is_refused(void **state)
{
    (void)state;
    move(3 * PAGE + 7);
    write_pages();
    refuse((intptr_t)GIB);
    refuse((intptr_t)(MEMLAYOUT_BRK_END - now()));
    for (uint64_t nth = 0; nth < 4; nth++) {
        ram_fail_after(nth, false);
        refuse(5 * PAGE);
        assert_true(ram_fail_never());
    }
    move(5 * PAGE);
}

static void b14_the_previous_break_is_returned(void **state)
{
    (void)state;
    assert_ptr_equal(ksbrk(PAGE), (void *)START);
    assert_ptr_equal(ksbrk(-PAGE), (void *)(START + PAGE_SIZE));
    assert_ptr_equal(ksbrk(0), (void *)START);
}

static void each_start_begins_at_length_0(void **state)
{
    (void)state;
    move(5);
    move(-5);
    brk_init(&model.space);
    assert_int_equal(now(), START);
}

/* The heap's table */

static void extend(size_t old, size_t bytes)
{
    assert_true(brk_extend_table(bytes));
    follow(TABLE + old, TABLE + bytes);
    model_compare(&model, __func__);
}

static void the_table_grows_and_never_shrinks(void **state)
{
    (void)state;
    extend(0, 0);
    extend(0, 1);
    write_pages();
    extend(1, 3 * PAGE_SIZE);
    write_pages();
    extend(3 * PAGE_SIZE, 3 * PAGE_SIZE + 1);
    assert_true(brk_extend_table(PAGE_SIZE));
    assert_true(brk_extend_table(0));
    model_compare(&model, __func__);
    assert_int_equal(now(), START);
}

static void the_table_is_refused_what_does_not_fit(void **state)
{
    (void)state;
    extend(0, 2 * PAGE_SIZE);
    write_pages();
    uint64_t free = ram_free();
    assert_false(brk_extend_table(MEMLAYOUT_HEAP_TABLE_END - TABLE + 1));
    assert_false(brk_extend_table(SIZE_MAX));
    assert_false(brk_extend_table(GIB));
    ram_fail_after(1, true);
    assert_false(brk_extend_table(5 * PAGE_SIZE));
    assert_true(ram_fail_never());
    assert_int_equal(ram_free(), free);
    model_compare(&model, __func__);
    extend(2 * PAGE_SIZE, 5 * PAGE_SIZE);
}

static void random_moves_agree_with_the_model(void **state)
{
    (void)state;
    struct random random = random_start();
    for (; random.step < random_steps(4000); random.step++) {
        uintptr_t old = now();
        intptr_t delta = (intptr_t)random_below(&random, 20 * PAGE_SIZE) - 10 * PAGE;
        if (random_once_in(&random, 8))
            delta = (intptr_t)random_next(&random) >> random_below(&random, 60);
        bool fits = (delta < 0 && -(uintptr_t)delta <= old - START) ||
                    (delta >= 0 && (uintptr_t)delta <= MODEL_PAGES * PAGE_SIZE - (old - START));
        if (!fits && delta > 0 && (uintptr_t)delta < 16 * MIB)
            continue; /* there may be memory for it, but no model */
        for (int i = 0; i < 10; i++) {
            model_write(&model, random_below(&random, MODEL_PAGES), random_next(&random));
            model_touch(&model, random_below(&random, MODEL_PAGES));
        }
        bool starved = random_once_in(&random, 4);
        if (starved)
            ram_fail_after(random_below(&random, 6), random_once_in(&random, 2));
        void *result = ksbrk(delta);
        if ((ram_fail_never() && starved) || !fits) {
            random_assert(&random, result == (void *)-1 && now() == old);
        } else {
            random_assert(&random, result == (void *)old && now() == old + (uintptr_t)delta);
            follow(old, now());
        }
        random_assert_silent(&random, model_difference(&model));
    }
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, begin, model_end)
#define TEST_TABLE(name) cmocka_unit_test_setup_teardown(name, begin_table, model_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(b1_the_break_begins_at_its_window),
        TEST(b2_b3_growth_is_exact_and_zero),
        TEST(b4_regrown_pages_are_zero),
        TEST(b5_below_the_start_is_refused),
        TEST(b6_b7_beyond_the_window_is_refused),
        TEST(b8_growth_does_not_replace_what_is_mapped),
        TEST(b9_growth_beyond_memory_is_refused),
        TEST(b14_the_previous_break_is_returned),
        TEST(each_start_begins_at_length_0),
        TEST_TABLE(the_table_grows_and_never_shrinks),
        TEST_TABLE(the_table_is_refused_what_does_not_fit),
        TEST(random_moves_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests tests/host/shrink.c on a counter that breaks, in each way that a program can, once it has
 * been raised twice by 5 or more without a reset in between: the shortest way there is known.
 */
#include "tests/host/shrink.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAISE, RESET, NOTHING };
static const char *const kinds[] = {"RAISE", "RESET", "NOTHING"};

static unsigned raised;
static void (*breaks)(void);

static struct shrink_op make_op(struct random *dice, uint64_t step)
{
    (void)step;
    return (struct shrink_op){(unsigned)random_below(dice, 3), {random_below(dice, 20), 77}};
}

static void apply_op(const struct shrink_op *op)
{
    if (op->what == RESET)
        raised = 0;
    raised += op->what == RAISE && op->with[0] >= 5;
    if (raised == 2)
        breaks();
}

static void check_nothing(void)
{
}

static const struct shrink_test counter = {
    .name = "counter",
    .kinds = kinds,
    .make = make_op,
    .apply = apply_op,
    .check = check_nothing,
    .check_every = 1,
};

static void break_an_assertion(void)
{
    assert_int_equal(raised, 1);
}

static void break_by_abort(void)
{
    abort();
}

static void break_by_exit(void)
{
    exit(3);
}

static void break_by_signal(void)
{
    raise(SIGSEGV);
}

static void break_memory(void)
{
    volatile char *block = malloc(raised);
    block[raised] = 1;
}

static const struct shrink_op shortest[2] = {{RAISE, {5, 0}}, {RAISE, {5, 0}}};

static void shrink_finds_the_shortest_sequence(void (*how)(void))
{
    struct random dice = random_start();
    struct shrink_op ops[200];
    breaks = how;
    for (size_t i = 0; i < 200; i++)
        ops[i] = make_op(&dice, i);
    ops[198] = ops[199] = (struct shrink_op){RAISE, {19, 77}}; /* whatever the seed */
    assert_int_equal(shrink_ops(&counter, ops, 200), 2);
    assert_memory_equal(ops, shortest, sizeof shortest);
}

static void a_failed_assertion_is_shrunk(void **state)
{
    (void)state;
    shrink_finds_the_shortest_sequence(break_an_assertion);
}

static void an_abort_is_shrunk(void **state)
{
    (void)state;
    shrink_finds_the_shortest_sequence(break_by_abort);
}

static void an_exit_is_shrunk(void **state)
{
    (void)state;
    shrink_finds_the_shortest_sequence(break_by_exit);
}

static void a_signal_is_shrunk(void **state)
{
    (void)state;
    shrink_finds_the_shortest_sequence(break_by_signal);
}

void __asan_init(void) __attribute__((weak));

static void a_sanitizer_s_complaint_is_shrunk(void **state)
{
    (void)state;
    if (__asan_init == NULL)
        skip(); /* built without it, for coverage */
    shrink_finds_the_shortest_sequence(break_memory);
}

static void what_does_not_fail_passes_and_leaves_the_state_alone(void **state)
{
    (void)state;
    static const struct shrink_op once[] = {{NOTHING, {9}}, {RAISE, {9}}, {RESET, {0}}};
    raised = 0;
    breaks = check_nothing;
    shrink_random(&counter, 200);
    assert_int_equal(raised, 0);
    shrink_replay(&counter, once, 2);
    assert_int_equal(raised, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_assertion_is_shrunk),
        cmocka_unit_test(an_abort_is_shrunk),
        cmocka_unit_test(an_exit_is_shrunk),
        cmocka_unit_test(a_signal_is_shrunk),
        cmocka_unit_test(a_sanitizer_s_complaint_is_shrunk),
        cmocka_unit_test(what_does_not_fail_passes_and_leaves_the_state_alone),
    };
    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests the explorer in tests/explore: that it runs each schedule once, that its memory is as it
 * should be, that it tells right from wrong in the algorithms of tests/explore/examples, and what
 * it says.
 */
#include "tests/explore/explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/explore/examples/example.h"
#include "tests/explore/examples/program.h"
#include "tests/host/random.h"

#define RELAXED __ATOMIC_RELAXED
#define ACQUIRE __ATOMIC_ACQUIRE
#define RELEASE __ATOMIC_RELEASE
#define SEQ_CST __ATOMIC_SEQ_CST

static int x, y, z;
static int reads[4];

static void reset(void)
{
    x = y = z = 0;
    memset(reads, 0, sizeof reads);
}

/* Runs the test, which must end so, with `part` in its message. */
static struct explore_result expect(const struct explore_test *test, enum explore_verdict verdict,
                                    const char *part)
{
    struct explore_result result = explore_run(test, NULL);
    if (result.verdict != verdict || strstr(result.message, part) == NULL)
        print_error("%s: verdict %d, \"%s\"; expected %d, \"%s\"\n", test->name, result.verdict,
                    result.message, verdict, part);
    assert_int_equal(result.verdict, verdict);
    assert_non_null(strstr(result.message, part));
    return result;
}

/* --- the examples ------------------------------------------------------------------------------*/

static void examples_pass_or_fail_as_they_should(void **state)
{
    for (const struct example *example = *state; example->test.name != NULL; example++) {
        if (example->verdict == EXPLORE_PASSED) {
            assert_true(explore_passes(&example->test));
            continue;
        }
        expect(&example->test, example->verdict, example->part);
        struct explore_test all = example->test;
        all.unreduced = true;
        assert_int_not_equal(explore_run(&all, NULL).verdict, EXPLORE_PASSED);
    }
}

/* --- which schedules are run -------------------------------------------------------------------*/

static void add_three_times(unsigned id)
{
    (void)id;
    for (int i = 0; i < 3; i++)
        __atomic_fetch_add(&x, 1, RELAXED);
}

static void check_sum_of_two(void)
{
    explore_assert(x == 6);
}

static void add_twice_to_own(unsigned id)
{
    int *const objects[] = {&x, &y, &z};
    __atomic_fetch_add(objects[id], 1, RELAXED);
    __atomic_fetch_add(objects[id], 1, RELAXED);
}

static void each_interleaving_is_run_once(void **state)
{
    (void)state;
    struct explore_test test = {.name = "sum",
                                .setup = reset,
                                .thread = {add_three_times, add_three_times},
                                .check = check_sum_of_two};
    assert_int_equal(expect(&test, EXPLORE_PASSED, "").schedules, 20); /* 6! / (3! 3!) */
    test.thread[2] = add_three_times;
    test.check = NULL;
    assert_int_equal(expect(&test, EXPLORE_PASSED, "").schedules, 1680); /* 9! / (3! 3! 3!) */
}

static void independent_steps_are_run_in_one_order(void **state)
{
    (void)state;
    struct explore_test test = {.name = "independent",
                                .setup = reset,
                                .thread = {add_twice_to_own, add_twice_to_own, add_twice_to_own}};
    assert_int_equal(expect(&test, EXPLORE_PASSED, "").schedules, 1);
    test.unreduced = true;
    assert_int_equal(expect(&test, EXPLORE_PASSED, "").schedules, 90); /* 6! / (2! 2! 2!) */
}

/* Interleavings of three threads, with `left` steps each, that preempt at most `budget` times. */
static unsigned count_bounded(const unsigned left[3], unsigned last, unsigned budget)
{
    if (left[0] + left[1] + left[2] == 0)
        return 1;
    unsigned count = 0;
    for (unsigned i = 0; i < 3; i++) {
        unsigned rest[3] = {left[0], left[1], left[2]};
        unsigned cost = last < 3 && last != i && left[last] > 0;
        if (left[i] == 0 || cost > budget)
            continue;
        rest[i]--;
        count += count_bounded(rest, i, budget - cost);
    }
    return count;
}

/* Whether the steps depend on each other or not. */
static void bound_admits_exactly_the_schedules_within_it(void **state)
{
    (void)state;
    for (unsigned bound = 1; bound <= 6; bound++) {
        const unsigned three[3] = {3, 3, 3}, two[3] = {2, 2, 2};
        struct explore_test test = {.name = "bound",
                                    .setup = reset,
                                    .thread = {add_three_times, add_three_times, add_three_times},
                                    .preemptions = bound};
        assert_int_equal(expect(&test, EXPLORE_PASSED, "").schedules,
                         count_bounded(three, 3, bound));
        test.thread[0] = test.thread[1] = test.thread[2] = add_twice_to_own;
        assert_int_equal(expect(&test, EXPLORE_PASSED, "").schedules, count_bounded(two, 3, bound));
    }
}

static void add_many_times(unsigned id)
{
    (void)id;
    for (int i = 0; i < 50; i++)
        __atomic_fetch_add(&x, 1, RELAXED);
}

static void time_budget_cuts_the_search_and_says_so(void **state)
{
    (void)state;
    const struct explore_test test = {
        .name = "cut", .setup = reset, .thread = {add_many_times, add_many_times}, .seconds = 0.1};
    struct explore_result result = expect(&test, EXPLORE_PASSED, "");
    assert_true(result.cut);
    assert_false(explore_passes(&test));
}

/* --- memory ------------------------------------------------------------------------------------*/

static bool seen[16]; /* by the values read, as binary digits */

static void note_reads(void)
{
    seen[reads[0] + 2 * reads[1] + 4 * reads[2] + 8 * reads[3]] = true;
}

/* The threads give exactly the outcomes in `expected`, a string of hexadecimal digits. */
static void expect_outcomes(const struct explore_test *test, const char *expected)
{
    char got[17] = "";
    memset(seen, 0, sizeof seen);
    assert_true(explore_passes(test));
    for (unsigned i = 0; i < 16; i++)
        if (seen[i])
            got[strlen(got)] = "0123456789abcdef"[i];
    assert_string_equal(got, expected);
}

static void store_x_load_y(unsigned id)
{
    (void)id;
    __atomic_store_n(&x, 1, RELEASE);
    reads[0] = __atomic_load_n(&y, ACQUIRE);
}

static void store_y_load_x(unsigned id)
{
    (void)id;
    __atomic_store_n(&y, 1, RELEASE);
    reads[1] = __atomic_load_n(&x, ACQUIRE);
}

static void exchange_x_load_y(unsigned id)
{
    (void)id;
    __atomic_exchange_n(&x, 1, RELAXED);
    reads[0] = __atomic_load_n(&y, RELAXED);
}

static void exchange_y_load_x(unsigned id)
{
    (void)id;
    __atomic_exchange_n(&y, 1, RELAXED);
    reads[1] = __atomic_load_n(&x, RELAXED);
}

/* Reads its own store, and then what may pass it. */
static void store_x_load_x_load_y(unsigned id)
{
    (void)id;
    __atomic_store_n(&x, 1, RELAXED);
    reads[2] = __atomic_load_n(&x, RELAXED);
    reads[0] = __atomic_load_n(&y, RELAXED);
}

static void stores_are_delayed_by_buffers_only(void **state)
{
    (void)state;
    struct explore_test test = {.name = "store buffering",
                                .setup = reset,
                                .thread = {store_x_load_y, store_y_load_x},
                                .check = note_reads};
    expect_outcomes(&test, "123");
    test.memory = EXPLORE_TSO;
    expect_outcomes(&test, "0123");
    test.thread[0] = exchange_x_load_y;
    expect_outcomes(&test, "0123");
    test.thread[1] = exchange_y_load_x;
    expect_outcomes(&test, "123");
    test.thread[0] = store_x_load_x_load_y;
    test.thread[1] = store_y_load_x;
    expect_outcomes(&test, "4567");
}

static void store_x_store_y(unsigned id)
{
    (void)id;
    __atomic_store_n(&x, 1, RELAXED);
    __atomic_store_n(&y, 1, RELAXED);
}

static void load_y_load_x(unsigned id)
{
    (void)id;
    reads[0] = __atomic_load_n(&y, RELAXED);
    reads[1] = __atomic_load_n(&x, RELAXED);
}

static void load_x_store_y(unsigned id)
{
    (void)id;
    reads[0] = __atomic_load_n(&x, RELAXED);
    __atomic_store_n(&y, 1, RELAXED);
}

static void load_y_store_x(unsigned id)
{
    (void)id;
    reads[1] = __atomic_load_n(&y, RELAXED);
    __atomic_store_n(&x, 1, RELAXED);
}

static void buffers_keep_all_other_orders(void **state)
{
    (void)state;
    struct explore_test test = {.name = "stores in order",
                                .setup = reset,
                                .thread = {store_x_store_y, load_y_load_x},
                                .check = note_reads,
                                .memory = EXPLORE_TSO};
    expect_outcomes(&test, "023"); /* never y without x */
    test.name = "loads before stores";
    test.thread[0] = load_x_store_y;
    test.thread[1] = load_y_store_x;
    expect_outcomes(&test, "012"); /* never both */
}

static void store_x(unsigned id)
{
    (void)id;
    __atomic_store_n(&x, 1, RELAXED);
}

static void store_y(unsigned id)
{
    (void)id;
    __atomic_store_n(&y, 1, RELAXED);
}

static void load_both(unsigned id)
{
    int *const first = id == 2 ? &x : &y, *const second = id == 2 ? &y : &x;
    reads[2 * id - 4] = __atomic_load_n(first, RELAXED);
    reads[2 * id - 3] = __atomic_load_n(second, RELAXED);
}

static void all_threads_agree_on_the_order_of_stores(void **state)
{
    (void)state;
    const struct explore_test test = {.name = "independent reads",
                                      .setup = reset,
                                      .thread = {store_x, store_y, load_both, load_both},
                                      .check = note_reads,
                                      .memory = EXPLORE_TSO};
    expect_outcomes(&test, "012346789abcdef"); /* all but x before y and y before x */
}

/* Sizes that overlap: the load needs the store to be in memory. */
static union {
    uint64_t whole;
    uint32_t half[2];
} mixed;

static void reset_mixed(void)
{
    mixed.whole = 0;
}

static void store_half_load_whole(unsigned id)
{
    __atomic_store_n(&mixed.half[id], 1, RELAXED);
    uint64_t own = __atomic_load_n(&mixed.whole, RELAXED);
    explore_assert(own >> 32 * id & 1);
}

static void store_whole_load_half(unsigned id)
{
    __atomic_store_n(&mixed.whole, (uint64_t)7 << 32, RELAXED);
    uint32_t own = __atomic_load_n(&mixed.half[1], RELAXED);
    explore_assert(own == 7 || (id == 0 && own == 1));
}

static void a_thread_sees_its_own_stores_of_any_size(void **state)
{
    (void)state;
    struct explore_test test = {.name = "halves",
                                .setup = reset_mixed,
                                .thread = {store_half_load_whole, store_half_load_whole},
                                .memory = EXPLORE_TSO};
    assert_true(explore_passes(&test));
    test.thread[0] = store_whole_load_half;
    test.thread[1] = NULL;
    assert_true(explore_passes(&test));
}

/* Reduced or not, with buffers or without. */
static void random_programs_have_the_outcomes_of_a_naive_interpreter(void **state)
{
    (void)state;
    unsigned count = (unsigned)random_steps(200);
    for (unsigned number = 0; number < count; number++)
        for (unsigned mode = 0; mode < 4; mode++) {
            const char *difference =
                program_difference(number, mode % 2 ? EXPLORE_TSO : EXPLORE_SC, mode / 2);
            if (difference != NULL)
                fail_msg("program %u, mode %u: %s", number, mode, difference);
        }
    printf("# %u random programs, %u outcomes\n", count, program_outcomes);
}

/* --- what the compiler announces ---------------------------------------------------------------*/

#define ARITHMETIC(type)                                                                        \
    do {                                                                                        \
        static type object;                                                                     \
        type all = (type)-1, old = 3;                                                           \
        __atomic_store_n(&object, 5, SEQ_CST);                                                  \
        explore_assert(__atomic_fetch_add(&object, 2, SEQ_CST) == 5);                           \
        explore_assert(__atomic_sub_fetch(&object, 4, SEQ_CST) == 3);                           \
        explore_assert(__atomic_fetch_or(&object, 12, SEQ_CST) == 3);                           \
        explore_assert(__atomic_and_fetch(&object, 6, SEQ_CST) == 6);                           \
        explore_assert(__atomic_xor_fetch(&object, 5, SEQ_CST) == 3);                           \
        explore_assert(__atomic_compare_exchange_n(&object, &old, 9, false, SEQ_CST, RELAXED)); \
        explore_assert(!__atomic_compare_exchange_n(&object, &old, 7, true, SEQ_CST, RELAXED)); \
        explore_assert(old == 9 && __atomic_exchange_n(&object, 1, SEQ_CST) == 9);              \
        explore_assert(__atomic_fetch_sub(&object, 2, SEQ_CST) == 1);                           \
        explore_assert(__atomic_load_n(&object, SEQ_CST) == all);                               \
        __atomic_fetch_nand(&object, 15, SEQ_CST);                                              \
        explore_assert(__atomic_load_n(&object, SEQ_CST) == (type)~15);                         \
    } while (0)

static void compute(unsigned id)
{
    (void)id;
    ARITHMETIC(uint8_t);
    ARITHMETIC(uint16_t);
    ARITHMETIC(uint32_t);
    ARITHMETIC(uint64_t);
    ARITHMETIC(unsigned __int128);
}

static void compute_in_setup(void)
{
    compute(0);
}

static void atomics_of_every_size_compute_right(void **state)
{
    (void)state;
    struct explore_test test = {.name = "atomics", .setup = compute_in_setup, .thread = {compute}};
    expect(&test, EXPLORE_PASSED, "");
    test.memory = EXPLORE_TSO;
    expect(&test, EXPLORE_PASSED, "");
}

static struct block {
    unsigned char bytes[40];
} from, to;
static volatile size_t block_size;

static void use_from(unsigned id)
{
    (void)id;
    from.bytes[39] = 1;
}

static void copy_struct(unsigned id)
{
    (void)id;
    to = from;
}

static void copy_bytes(unsigned id)
{
    (void)id;
    memcpy(&to, &from, block_size);
}

static void move_bytes(unsigned id)
{
    (void)id;
    memmove(&to, &from, block_size);
}

static void set_bytes(unsigned id)
{
    (void)id;
    memset(&from, 0, block_size);
}

static void load_inside(unsigned id)
{
    (void)id;
    reads[0] = __atomic_load_n(&from.bytes[39], RELAXED);
}

static void plain_accesses_of_every_kind_are_seen(void **state)
{
    (void)state;
    void (*const bodies[])(unsigned) = {copy_struct, copy_bytes, move_bytes,
                                        set_bytes,   use_from,   load_inside};
    block_size = sizeof from;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct explore_test test = {.name = "plain", .thread = {use_from, bodies[i]}};
        expect(&test, EXPLORE_RACE, "data race on from");
    }
}

static void set_own_byte(unsigned id)
{
    from.bytes[id] = 1;
}

static void set_own_word(unsigned id)
{
    memset(&from.bytes[3 + 13 * id], 0, 13);
}

static void neighbours_do_not_race(void **state)
{
    (void)state;
    struct explore_test test = {.name = "neighbours",
                                .thread = {set_own_byte, set_own_byte, set_own_byte}};
    expect(&test, EXPLORE_PASSED, "");
    test.thread[0] = test.thread[1] = set_own_word;
    test.thread[2] = NULL;
    expect(&test, EXPLORE_PASSED, "");
}

/* --- verdicts ----------------------------------------------------------------------------------*/

static void wait_a_little(unsigned id)
{
    (void)id;
    for (int tries = 0; __atomic_load_n(&x, RELAXED) == 0; tries++)
        if (tries == 100)
            explore_fail("gave up");
}

static void wait_and_count(unsigned id)
{
    (void)id;
    while (__atomic_load_n(&x, RELAXED) == 0)
        reads[0]++;
}

static void wait_and_count_on_stack(unsigned id)
{
    int tries = 0;
    while (__atomic_load_n(&x, RELAXED) == 0)
        tries++;
    reads[id] = tries;
}

/* Between the two operations y is odd; who comes then leaves it alone. */
static void make_odd_and_even(unsigned id)
{
    (void)id;
    __atomic_fetch_add(&x, 1, RELAXED);
    if (y % 2 == 0) {
        y++;
        __atomic_fetch_add(&x, 1, RELAXED);
        y++;
    } else {
        z++;
    }
}

static void y_is_even(void)
{
    explore_assert(y % 2 == 0 && y / 2 + z == 2);
}

static void a_handler_runs_to_its_end_and_does_not_race(void **state)
{
    (void)state;
    struct explore_test test = {.name = "handler",
                                .setup = reset,
                                .thread = {make_odd_and_even, make_odd_and_even},
                                .check = y_is_even,
                                .preemptions = 1};
    expect(&test, EXPLORE_RACE, "data race on y");
    test.one_cpu = true;
    assert_true(explore_passes(&test));
}

static void who_counts_while_waiting_lets_others_run(void **state)
{
    (void)state;
    struct explore_test test = {
        .name = "counting", .setup = reset, .thread = {wait_and_count_on_stack, store_x}};
    expect(&test, EXPLORE_LIVELOCK, "see explore_test.tries");
    test.tries = 4;
    assert_true(explore_passes(&test));
    test.thread[0] = wait_a_little;
    assert_true(explore_passes(&test));
    test.thread[1] = store_y;
    expect(&test, EXPLORE_FAILED, "gave up");
    test.thread[0] = wait_and_count;
    expect(&test, EXPLORE_LIVELOCK, "no end after 4096 steps");
}

static bool is_ten(void)
{
    return __atomic_load_n(&x, RELAXED) == 10;
}

static void add_one(void)
{
    __atomic_fetch_add(&x, 1, RELAXED);
}

/* The thread itself remembers nothing: all that changes is in memory. */
static void count_to_ten(unsigned id)
{
    (void)id;
    while (!is_ten())
        add_one();
}

static void a_loop_that_changes_memory_is_no_circle(void **state)
{
    (void)state;
    const struct explore_test test = {
        .name = "count to ten", .setup = reset, .thread = {count_to_ten, store_y}};
    assert_true(explore_passes(&test));
}

static void read_nowhere(unsigned id)
{
    if (__atomic_load_n(&x, RELAXED) == 1)
        *(volatile int *)(uintptr_t)(16 + id) = 1;
}

static void a_crash_is_reported_with_its_schedule(void **state)
{
    (void)state;
    const struct explore_test test = {
        .name = "crash", .setup = reset, .thread = {read_nowhere, store_x}};
    assert_int_equal(expect(&test, EXPLORE_CRASH, "signal 11").schedules, 2);
}

static int overflow(int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    return depth == 0 ? 0 : overflow(depth - 1) + room[0];
}

static void recurse(unsigned id)
{
    (void)id;
    reads[0] = overflow(1000);
}

static void a_stack_overflow_is_a_crash(void **state)
{
    (void)state;
    const struct explore_test test = {.name = "overflow", .thread = {recurse}};
    expect(&test, EXPLORE_CRASH, "signal 11");
}

static void wait_plainly(unsigned id)
{
    (void)id;
    while (*(volatile int *)&x == 0)
        continue;
}

static void a_loop_without_atomics_is_a_livelock(void **state)
{
    (void)state;
    const struct explore_test test = {
        .name = "plain loop", .setup = reset, .thread = {wait_plainly}};
    expect(&test, EXPLORE_LIVELOCK, "plain accesses");
}

static void add_if_even(unsigned id)
{
    (void)id;
    if (__atomic_fetch_add(&x, 1, RELAXED) % 2 == 0)
        __atomic_fetch_add(&y, 1, RELAXED);
}

static void a_setup_that_forgets_is_found(void **state)
{
    (void)state;
    x = 0;
    const struct explore_test test = {.name = "forgets", .thread = {add_if_even, store_y}};
    expect(&test, EXPLORE_UNSTABLE, "does setup reset all?");
}

static void fail_at_once(void)
{
    explore_assert(x == 1);
}

static void setup_may_fail(void **state)
{
    (void)state;
    x = 0;
    const struct explore_test test = {.name = "setup", .setup = fail_at_once, .thread = {store_x}};
    expect(&test, EXPLORE_FAILED, "not so: x == 1");
}

/* --- what is said ------------------------------------------------------------------------------*/

static void lose_update(unsigned id)
{
    (void)id;
    int old = __atomic_load_n(&x, ACQUIRE);
    __atomic_store_n(&x, old + 1, RELEASE);
}

static void check_updates(void)
{
    explore_assert(x == 2);
}

static const struct explore_test losing = {
    .name = "losing", .setup = reset, .thread = {lose_update, lose_update}, .check = check_updates};

static void a_report_has_thread_operation_symbol_value_order_and_line(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "losing: schedule 2: tests/explore_test.c:",
        ": not so: x == 2",
        "  0  load      x                    0                      acquire  lose_update (",
        "  1  store     x                    1                      release  lose_update (",
        "(tests/explore_test.c:",
        "again: EXPLORE='losing:2' "};
    char *text;
    size_t size;
    FILE *report = open_memstream(&text, &size);
    explore_run(&losing, report);
    fclose(report);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(strstr(text, parts[i]));
    free(text);
}

static void a_schedule_can_be_run_again_by_its_number(void **state)
{
    (void)state;
    setenv("EXPLORE", "losing:1", 1);
    struct explore_result first = explore_run(&losing, NULL);
    setenv("EXPLORE", "losing:2", 1);
    struct explore_result second = explore_run(&losing, NULL);
    unsetenv("EXPLORE");
    assert_int_equal(first.verdict, EXPLORE_PASSED);
    assert_int_equal(first.schedules, 1);
    assert_int_equal(second.verdict, EXPLORE_FAILED);
    assert_int_equal(second.schedules, 2);
}

/* Test functions take no constant. */
#define EXAMPLES(array)                                                                        \
    {                                                                                          \
        "examples_pass_or_fail_as_they_should: " #array, examples_pass_or_fail_as_they_should, \
            NULL, NULL, (void *)(uintptr_t)array                                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXAMPLES(message_examples),
        EXAMPLES(stack_examples),
        EXAMPLES(list_examples),
        EXAMPLES(mutex_examples),
        EXAMPLES(ticket_examples),
        EXAMPLES(sequence_examples),
        EXAMPLES(bitmap_examples),
        EXAMPLES(lock_examples),
        cmocka_unit_test(each_interleaving_is_run_once),
        cmocka_unit_test(independent_steps_are_run_in_one_order),
        cmocka_unit_test(bound_admits_exactly_the_schedules_within_it),
        cmocka_unit_test(time_budget_cuts_the_search_and_says_so),
        cmocka_unit_test(stores_are_delayed_by_buffers_only),
        cmocka_unit_test(buffers_keep_all_other_orders),
        cmocka_unit_test(all_threads_agree_on_the_order_of_stores),
        cmocka_unit_test(a_thread_sees_its_own_stores_of_any_size),
        cmocka_unit_test(random_programs_have_the_outcomes_of_a_naive_interpreter),
        cmocka_unit_test(atomics_of_every_size_compute_right),
        cmocka_unit_test(plain_accesses_of_every_kind_are_seen),
        cmocka_unit_test(neighbours_do_not_race),
        cmocka_unit_test(a_handler_runs_to_its_end_and_does_not_race),
        cmocka_unit_test(who_counts_while_waiting_lets_others_run),
        cmocka_unit_test(a_loop_that_changes_memory_is_no_circle),
        cmocka_unit_test(a_crash_is_reported_with_its_schedule),
        cmocka_unit_test(a_stack_overflow_is_a_crash),
        cmocka_unit_test(a_loop_without_atomics_is_a_livelock),
        cmocka_unit_test(a_setup_that_forgets_is_found),
        cmocka_unit_test(setup_may_fail),
        cmocka_unit_test(a_report_has_thread_operation_symbol_value_order_and_line),
        cmocka_unit_test(a_schedule_can_be_run_again_by_its_number),
    };
    return cmocka_run_group_tests_name("explore", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests lib/sort.c against the host's qsort. SEED=n in the environment chooses other inputs. */
#include "lib/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"

enum { COUNT_MAX = 300 };

static struct random dice;

static int compare_words(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Sorts a copy of the words in memory of their exact size, so that sanitizers see its ends. */
static int sorts_like_qsort(const uint64_t *words, size_t count)
{
    uint64_t *ours = malloc(count * sizeof(*ours) + (count == 0));
    uint64_t *theirs = malloc(count * sizeof(*theirs) + (count == 0));
    memcpy(ours, words, count * sizeof(*ours));
    memcpy(theirs, words, count * sizeof(*theirs));
    sort_words(ours, count);
    qsort(theirs, count, sizeof(*theirs), compare_words);
    int same = memcmp(ours, theirs, count * sizeof(*ours)) == 0;
    free(ours);
    free(theirs);
    return same;
}

static void sort_orders_every_arrangement_of_few_words(void **state)
{
    (void)state;
    uint64_t words[6];
    for (unsigned arrangement = 0; arrangement < 6 * 6 * 6 * 6 * 6 * 6; arrangement++) {
        unsigned rest = arrangement;
        for (size_t i = 0; i < 6; i++, rest /= 6)
            words[i] = rest % 6;
        for (size_t count = 0; count <= 6; count++)
            assert_true(sorts_like_qsort(words, count));
    }
}

static void sort_orders_random_words(void **state)
{
    (void)state;
    dice = random_start();
    uint64_t words[COUNT_MAX];
    for (uint64_t round = 0; round < random_steps(5000); round++) {
        size_t count = random_below(&dice, COUNT_MAX + 1);
        unsigned narrow = random_below(&dice, 64); /* a large value leaves few distinct words */
        for (size_t i = 0; i < count; i++)
            words[i] = random_next(&dice) >> narrow;
        if (!sorts_like_qsort(words, count))
            fail_msg("SEED=%lu, round %lu: %zu words in wrong order", dice.seed, round, count);
    }
}

/* A quadratic sort would take 10^11 steps here and not end. */
static void sort_takes_hostile_orders_in_its_stride(void **state)
{
    (void)state;
    enum { COUNT = 1 << 18 };
    uint64_t *words = malloc(COUNT * sizeof(*words));
    for (int order = 0; order < 4; order++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t back = UINT64_MAX - i;
            uint64_t shapes[] = {i, back, 7, i < COUNT / 2 ? i : COUNT - i};
            words[i] = shapes[order];
        }
        assert_true(sorts_like_qsort(words, COUNT));
    }
    free(words);
}

static void sort_of_nothing_needs_no_array(void **state)
{
    (void)state;
    sort_words(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sort_orders_every_arrangement_of_few_words),
        cmocka_unit_test(sort_orders_random_words),
        cmocka_unit_test(sort_takes_hostile_orders_in_its_stride),
        cmocka_unit_test(sort_of_nothing_needs_no_array),
    };
    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}

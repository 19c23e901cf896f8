/* SPDX-License-Identifier: MIT */
/* Tests lib/history.c. */
#include "lib/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct history history;

static int forget(void **state)
{
    (void)state;
    memset(&history, 0, sizeof history);
    return 0;
}

static void lines_come_back_by_age(void **state)
{
    (void)state;
    assert_null(history_get(&history, 0));
    assert_null(history_get(&history, 1));
    history_add(&history, "one");
    history_add(&history, "two");
    assert_string_equal(history_get(&history, 1), "two");
    assert_string_equal(history_get(&history, 2), "one");
    assert_null(history_get(&history, 0));
    assert_null(history_get(&history, 3));
}

static void blank_lines_and_repetitions_are_not_kept(void **state)
{
    (void)state;
    static const char *const lines[] = {"", " ", "a", "   ", "a", "b", "b", "", "a"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        history_add(&history, lines[i]);
    assert_string_equal(history_get(&history, 1), "a");
    assert_string_equal(history_get(&history, 2), "b");
    assert_string_equal(history_get(&history, 3), "a");
    assert_null(history_get(&history, 4));
}

static void the_oldest_lines_make_room(void **state)
{
    (void)state;
    char line[HISTORY_LINE_SIZE];
    for (int i = 0; i < 3 * HISTORY_LINES + 5; i++) {
        snprintf(line, sizeof line, "%0*d", HISTORY_LINE_SIZE - 1, i);
        history_add(&history, line);
    }
    for (int age = 1; age <= HISTORY_LINES; age++) {
        snprintf(line, sizeof line, "%0*d", HISTORY_LINE_SIZE - 1, 3 * HISTORY_LINES + 5 - age);
        assert_string_equal(history_get(&history, (size_t)age), line);
    }
    assert_null(history_get(&history, HISTORY_LINES + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_come_back_by_age, forget),
        cmocka_unit_test_setup(blank_lines_and_repetitions_are_not_kept, forget),
        cmocka_unit_test_setup(the_oldest_lines_make_room, forget),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}

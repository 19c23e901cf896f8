/* SPDX-License-Identifier: MIT */
/* Tests lib/pager.c: a reader at a terminal sees every line, and no trace of the pauses. */
#include "lib/pager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"
#include "tests/host/tty.h"

enum { ROWS = 6, COLUMNS = 20 };

static struct random dice;
static struct tty terminal;
static struct pager pager;
static const char *keys; /* what the reader presses; then space for ever */
static size_t pauses;
static size_t seen; /* rows read so far, those that have scrolled away included */

/* The reader looks at the whole screen, then presses a key. */
static char press(void *context)
{
    (void)context;
    pauses++;
    assert_int_equal(terminal.row, ROWS - 1);
    assert_string_equal(tty_row(&terminal, ROWS - 1), "--more--");
    assert_true(terminal.scrolled <= seen);
    seen = terminal.scrolled + ROWS - 1;
    return *keys != '\0' ? *keys++ : ' ';
}

static int start(void **state)
{
    (void)state;
    tty_init(&terminal, ROWS, COLUMNS);
    pager = (struct pager){tty_write, press, &terminal, ROWS, COLUMNS, 0, 0, false};
    keys = "";
    pauses = seen = 0;
    return 0;
}

/* Lines "1", "2", ... */
static void write_lines(int from, int to)
{
    for (int i = from; i <= to; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d\n", i);
        pager_write(&pager, line, strlen(line));
    }
}

static void what_fits_is_not_paused(void **state)
{
    (void)state;
    write_lines(1, ROWS - 1);
    assert_int_equal(pauses, 0);
    pager_write(&pager, "", 0);
    assert_int_equal(pauses, 0);
    pager_write(&pager, "x", 1);
    assert_int_equal(pauses, 1);
}

static void space_shows_the_next_screenful(void **state)
{
    (void)state;
    write_lines(1, 3 * (ROWS - 1));
    assert_int_equal(pauses, 2);
    assert_string_equal(tty_row(&terminal, 0), "11");
    assert_string_equal(tty_row(&terminal, ROWS - 2), "15");
    assert_string_equal(tty_row(&terminal, ROWS - 1), "");
}

static void enter_shows_one_more_line(void **state)
{
    (void)state;
    keys = "\r\n\r";
    write_lines(1, ROWS + 2);
    assert_int_equal(pauses, 3);
    write_lines(ROWS + 3, ROWS + 3);
    assert_int_equal(pauses, 4);
}

static void q_drops_the_rest_of_one_text(void **state)
{
    (void)state;
    keys = "q";
    write_lines(1, 100);
    assert_int_equal(pauses, 1);
    pager_resume(&pager);
    write_lines(777, 777);
    assert_string_equal(tty_row(&terminal, ROWS - 2), "777");
    assert_string_equal(tty_row(&terminal, ROWS - 3), "5");
    keys = "\3";
    write_lines(1, 100);
    assert_int_equal(pauses, 2);
}

static void long_lines_count_for_the_rows_that_they_take(void **state)
{
    (void)state;
    char text[ROWS * COLUMNS];
    memset(text, 'x', sizeof text);
    pager_write(&pager, text, (ROWS - 1) * COLUMNS);
    assert_int_equal(pauses, 0);
    pager_write(&pager, text, 1);
    assert_int_equal(pauses, 1);
}

/* The text as a terminal of endless height would show it: what the reader must have read. */
static struct tty paper;

static void random_text_is_read_to_the_last_line(void **state)
{
    dice = random_start();
    for (dice.step = 0; dice.step < random_steps(2000); dice.step++) {
        char text[COLUMNS * 40];
        size_t length = random_below(&dice, sizeof text), sent = 0;
        for (size_t i = 0; i < length; i++)
            text[i] = random_once_in(&dice, 1 + length % 60) ? '\n' : (char)('a' + i % 26);
        start(state);
        while (sent < length) {
            size_t part = 1 + random_below(&dice, length - sent);
            pager_write(&pager, text + sent, part);
            sent += part;
        }
        random_assert(&dice, terminal.scrolled <= seen);
        tty_init(&paper, ROWS, COLUMNS);
        tty_write(&paper, text, length);
        for (size_t row = 0; row + 1 < ROWS; row++) {
            size_t below = paper.row - row; /* both end with the same rows */
            if (row > paper.row || row > terminal.row)
                break;
            char expected[COLUMNS + 1];
            strcpy(expected, tty_row(&paper, below));
            random_assert(&dice, strcmp(tty_row(&terminal, terminal.row - row), expected) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_fits_is_not_paused, start),
        cmocka_unit_test_setup(space_shows_the_next_screenful, start),
        cmocka_unit_test_setup(enter_shows_one_more_line, start),
        cmocka_unit_test_setup(q_drops_the_rest_of_one_text, start),
        cmocka_unit_test_setup(long_lines_count_for_the_rows_that_they_take, start),
        cmocka_unit_test(random_text_is_read_to_the_last_line),
    };
    return cmocka_run_group_tests_name("pager", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests kernel/terminal.c: what text leaves on the grid, and that whatever comes, the cursor stays
 * on it and every change is told. SEED=n in the environment chooses other inputs.
 */
#include "kernel/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"

enum { COLUMNS = 8, ROWS = 4, CELLS = COLUMNS * ROWS };

static struct terminal terminal;
static uint8_t cells[CELLS];

static int fresh(void **state)
{
    (void)state;
    terminal_init(&terminal, cells, COLUMNS, ROWS);
    terminal_shown(&terminal);
    return 0;
}

static void write_text(const char *text)
{
    terminal_write(&terminal, text, strlen(text));
}

/* The rows, each without its blanks at the end, joined by |. */
static const char *shown(void)
{
    static char text[ROWS * (COLUMNS + 1) + 1];
    char *at = text;
    for (unsigned row = 0; row < ROWS; row++) {
        const uint8_t *line = cells + (size_t)row * COLUMNS;
        size_t length = COLUMNS;
        while (length > 0 && line[length - 1] == ' ')
            length--;
        memcpy(at, line, length);
        at += length;
        *at++ = '|';
    }
    at[-1] = '\0';
    return text;
}

static void expect(const char *text, unsigned row, unsigned column)
{
    assert_string_equal(shown(), text);
    assert_int_equal(terminal.row, row);
    assert_int_equal(terminal.column, column);
}

static void terminal_starts_blank(void **state)
{
    (void)state;
    expect("|||", 0, 0);
}

static void terminal_newline_returns_to_the_first_column(void **state)
{
    (void)state;
    write_text("ab\ncd");
    expect("ab|cd||", 1, 2);
    write_text("\rx");
    expect("ab|xd||", 1, 1);
}

static void terminal_tab_goes_to_the_next_eighth_column_but_not_off_the_row(void **state)
{
    (void)state;
    write_text("a\tb");
    expect("a      b|||", 0, 8);
}

static void terminal_full_row_wraps_at_the_next_character(void **state)
{
    (void)state;
    write_text("12345678");
    expect("12345678|||", 0, 8);
    write_text("\nx");
    expect("12345678|x||", 1, 1);
    write_text("\r123456789");
    expect("12345678|12345678|9|", 2, 1);
}

/* As the prompt rubs out: back, blank, back. */
static void terminal_rubs_out_over_a_wrapped_row(void **state)
{
    (void)state;
    write_text("12345678ab");
    for (unsigned i = 0; i < 4; i++)
        write_text("\b \b");
    expect("123456|||", 0, 6);
    fresh(NULL);
    write_text("\b");
    expect("|||", 0, 0);
}

static void terminal_scrolls_by_an_eighth_of_its_rows_and_one(void **state)
{
    (void)state;
    write_text("1\n2\n3\n4");
    expect("1|2|3|4", 3, 1);
    write_text("\n5");
    expect("2|3|4|5", 3, 1);

    uint8_t tall[16 * 2];
    terminal_init(&terminal, tall, 2, 16);
    for (char row = 'a'; row < 'a' + 17; row++)
        terminal_write(&terminal, (char[]){row, '\n'}, 2);
    assert_int_equal(tall[0], 'd');
    assert_int_equal(tall[13 * 2], 'q');
    assert_int_equal(tall[14 * 2], ' ');
    assert_int_equal(terminal.row, 14);
}

/* Whatever the size, the rows that are said to be kept are there after any number of lines. */
static void terminal_keeps_the_rows_that_it_says(void **state)
{
    (void)state;
    for (unsigned rows = 1; rows <= 64; rows++) {
        uint8_t grid[64];
        terminal_init(&terminal, grid, 1, rows);
        for (unsigned line = 0; line < 3 * rows; line++) {
            char text[] = {'\n', (char)('!' + line % 90)};
            terminal_write(&terminal, text, sizeof text);
            for (unsigned i = 0; i < terminal_kept(&terminal) && i <= line; i++)
                assert_int_equal(grid[terminal.row - i], '!' + (line - i) % 90);
        }
    }
}

static void terminal_of_one_row_scrolls(void **state)
{
    (void)state;
    terminal_init(&terminal, cells, COLUMNS, 1);
    write_text("a\nb\nc");
    assert_memory_equal(cells, "c       ", COLUMNS);
    assert_int_equal(terminal.row, 0);
}

static void terminal_sequences_move_the_cursor_and_stop_at_the_edges(void **state)
{
    (void)state;
    write_text("\033[3;5Hx");
    expect("||    x|", 2, 5);
    write_text("\033[2D\033[Ay");
    expect("|   y|    x|", 1, 4);
    write_text("\033[2C\033[Bz");
    expect("|   y|    x z|", 2, 7);
    write_text("\033[2Gw");
    expect("|   y| w  x z|", 2, 2);
    write_text("\033[99A\033[99D");
    expect("|   y| w  x z|", 0, 0);
    write_text("\033[99B\033[99C");
    expect("|   y| w  x z|", 3, 7);
    write_text("\033[H");
    expect("|   y| w  x z|", 0, 0);
}

static void terminal_sequences_erase(void **state)
{
    static const struct {
        const char *sequence, *left;
    } cases[] = {
        {"\033[K", "aaaa|bb|cccc|dddd"},
        {"\033[0K", "aaaa|bb|cccc|dddd"},
        {"\033[1K", "aaaa|   b|cccc|dddd"},
        {"\033[2K", "aaaa||cccc|dddd"},
        {"\033[J", "aaaa|bb||"},
        {"\033[1J", "|   b|cccc|dddd"},
        {"\033[2J", "|||"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh(state);
        write_text("aaaa\nbbbb\ncccc\ndddd\033[2;3H");
        write_text(cases[i].sequence);
        expect(cases[i].left, 1, 2);
    }
}

static void terminal_erases_beside_a_full_row_only_what_is_there(void **state)
{
    (void)state;
    write_text("12345678\033[K");
    expect("12345678|||", 0, 8);
    write_text("\033[1K");
    expect("|||", 0, 8);
}

static void terminal_swallows_what_it_does_not_know(void **state)
{
    (void)state;
    write_text("a\033[1;31mb\033[?25hc\033(d\033[;;;;;;7ze\a\177f");
    expect("abcdef|||", 0, 6);
}

static void terminal_shows_bytes_beyond_ascii_as_other(void **state)
{
    (void)state;
    write_text("\xff\x80z");
    assert_int_equal(cells[0], TERMINAL_OTHER);
    assert_int_equal(cells[1], TERMINAL_OTHER);
    assert_int_equal(cells[2], 'z');
}

static void terminal_numbers_too_large_do_no_harm(void **state)
{
    (void)state;
    write_text("\033[99999999999999999999;99999999999999999999Hx");
    expect("|||       x", 3, 8);
}

static void terminal_sequence_may_come_in_pieces(void **state)
{
    (void)state;
    static const char text[] = "ab\033[1;1Hc";
    for (size_t i = 0; i < sizeof text - 1; i++)
        terminal_write(&terminal, &text[i], 1);
    expect("cb|||", 0, 1);
}

static void terminal_tells_which_rows_have_changed(void **state)
{
    (void)state;
    write_text("a\nb");
    terminal_shown(&terminal);
    assert_true(terminal.changed_start >= terminal.changed_end);
    write_text("c");
    assert_int_equal(terminal.changed_start, 1);
    assert_int_equal(terminal.changed_end, 2);
    write_text("\033[4;1H");
    assert_int_equal(terminal.changed_start, 1);
    assert_int_equal(terminal.changed_end, 4);
}

static bool told(const struct terminal *of, unsigned row)
{
    return row >= of->changed_start && row < of->changed_end;
}

/* NULL, or what is wrong after a write that found the grid like `before` and the cursor on `row`.
 */
static const char *fault(const struct terminal *of, const uint8_t *before, unsigned row)
{
    if (of->row >= of->rows || of->column > of->columns)
        return "the cursor is off the grid";
    if (!told(of, of->row) || !told(of, row))
        return "the cursor's rows are not told";
    for (unsigned i = 0; i < of->rows; i++)
        if (memcmp(of->cells + (size_t)i * of->columns, before + (size_t)i * of->columns,
                   of->columns) != 0 &&
            !told(of, i))
            return "a changed row is not told";
    return NULL;
}

static char random_character(struct random *dice)
{
    static const char pieces[] = "\033\033\033[[[;;0123456789ABCDGHJKm\n\n\r\t\b\177 ax\xc3";
    return pieces[random_below(dice, sizeof pieces - 1)];
}

/* The grid has exactly its size, so that the sanitizer sees its ends. */
static void terminal_withstands_anything(void **state)
{
    (void)state;
    struct random dice = random_start();
    for (uint64_t round = 0; round < random_steps(300); round++) {
        unsigned columns = 1 + random_below(&dice, 12), rows = 1 + random_below(&dice, 12);
        size_t size = (size_t)columns * rows;
        uint8_t *grid = malloc(size), *before = malloc(size);
        terminal_init(&terminal, grid, columns, rows);
        for (unsigned i = 0; i < 300; i++) {
            char character = random_character(&dice);
            unsigned row = terminal.row, column = terminal.column;
            memcpy(before, grid, size);
            terminal_shown(&terminal);
            terminal_write(&terminal, &character, 1);
            bool still =
                row == terminal.row && column == terminal.column && memcmp(before, grid, size) == 0;
            if (!still)
                assert_ptr_equal(fault(&terminal, before, row), NULL);
        }
        free(grid);
        free(before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(terminal_starts_blank, fresh),
        cmocka_unit_test_setup(terminal_newline_returns_to_the_first_column, fresh),
        cmocka_unit_test_setup(terminal_tab_goes_to_the_next_eighth_column_but_not_off_the_row,
                               fresh),
        cmocka_unit_test_setup(terminal_full_row_wraps_at_the_next_character, fresh),
        cmocka_unit_test_setup(terminal_rubs_out_over_a_wrapped_row, fresh),
        cmocka_unit_test_setup(terminal_scrolls_by_an_eighth_of_its_rows_and_one, fresh),
        cmocka_unit_test(terminal_keeps_the_rows_that_it_says),
        cmocka_unit_test_setup(terminal_of_one_row_scrolls, fresh),
        cmocka_unit_test_setup(terminal_sequences_move_the_cursor_and_stop_at_the_edges, fresh),
        cmocka_unit_test_setup(terminal_sequences_erase, fresh),
        cmocka_unit_test_setup(terminal_erases_beside_a_full_row_only_what_is_there, fresh),
        cmocka_unit_test_setup(terminal_swallows_what_it_does_not_know, fresh),
        cmocka_unit_test_setup(terminal_shows_bytes_beyond_ascii_as_other, fresh),
        cmocka_unit_test_setup(terminal_numbers_too_large_do_no_harm, fresh),
        cmocka_unit_test_setup(terminal_sequence_may_come_in_pieces, fresh),
        cmocka_unit_test_setup(terminal_tells_which_rows_have_changed, fresh),
        cmocka_unit_test(terminal_withstands_anything),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}

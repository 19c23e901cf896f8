/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/lineedit.c and lineview.c: after every byte, a terminal shows exactly the prompt, the
 * line and the cursor; and random keys leave the line that a naive model of them has. SEED=n in the
 * environment chooses other keys.
 */
#include "lib/lineedit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"
#include "tests/host/tty.h"

#define PROMPT "> "
enum { ROWS = 12, PROMPT_LENGTH = 2, LINE_MAX = LINEEDIT_SIZE - 1 };

static struct random dice;
static struct tty terminal;
static struct lineedit edit;
static enum lineedit_state result; /* of the last byte */

static const char *names(size_t index)
{
    static const char *const all[] = {"map", "maps", "mem", "help", "heap", "frames", NULL};
    return all[index];
}

static void start_with(size_t columns)
{
    tty_init(&terminal, ROWS, columns);
    lineedit_init(&edit, &(struct lineedit_port){PROMPT, columns, tty_write, &terminal, names});
    lineedit_open(&edit);
}

static int start(void **state)
{
    (void)state;
    result = LINEEDIT_GOES_ON;
    start_with(80);
    return 0;
}

/* What is wrong with the terminal, or NULL. */
static const char *wrong_on_terminal(void)
{
    const char *row = terminal.cells[terminal.row];
    size_t room = terminal.columns - PROMPT_LENGTH;
    size_t column = terminal.column - PROMPT_LENGTH, start = edit.cursor - column;
    if (terminal.unknown > 0)
        return "more was sent than a simple terminal knows";
    if (memcmp(row, PROMPT, PROMPT_LENGTH) != 0)
        return "the prompt is damaged";
    if (terminal.column < PROMPT_LENGTH || column >= room || column > edit.cursor)
        return "the cursor is off the line";
    if (edit.length < room && start != 0)
        return "a line that fits is not shown whole";
    for (size_t i = 0; i < room; i++) {
        bool is_text = i + 1 < room && start + i < edit.length;
        if (row[PROMPT_LENGTH + i] != (is_text ? edit.line[start + i] : ' '))
            return "the text is not that of the line";
    }
    return NULL;
}

/* Types; the terminal must be right after every byte. A line that is done is followed by a new
 * one only as more is typed. */
static void type(const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        if (result != LINEEDIT_GOES_ON)
            lineedit_open(&edit);
        result = lineedit_take(&edit, *bytes);
        if (result == LINEEDIT_GOES_ON && wrong_on_terminal() != NULL)
            fail_msg("%s: line <%s>, row <%s>", wrong_on_terminal(), edit.line,
                     tty_row(&terminal, terminal.row));
    }
}

/* The line with a bar before the cursor. */
static void assert_line(const char *expected)
{
    char shown[LINEEDIT_SIZE + 1];
    snprintf(shown, sizeof shown, "%.*s|%s", (int)edit.cursor, edit.line, edit.line + edit.cursor);
    assert_string_equal(shown, expected);
    assert_int_equal(strlen(edit.line), edit.length);
}

#define UP     "\33[A"
#define DOWN   "\33[B"
#define RIGHT  "\33[C"
#define LEFT   "\33[D"
#define HOME   "\33[H"
#define END    "\33[F"
#define DELETE "\33[3~"

static void text_is_put_in_where_the_cursor_stands(void **state)
{
    (void)state;
    type("hp" LEFT "el" END "!");
    assert_line("help!|");
    type(HOME "a" RIGHT "b");
    assert_line("ahb|elp!");
    type("\r");
    assert_int_equal(result, LINEEDIT_DONE);
    assert_string_equal(edit.line, "ahbelp!");
    assert_int_equal(terminal.column, 0);
}

static void the_ends_of_the_line_hold_the_cursor(void **state)
{
    (void)state;
    type(LEFT RIGHT "\b" DELETE "\25\13\27\3" HOME END UP DOWN);
    assert_line("|");
    type("ab" RIGHT RIGHT DELETE);
    assert_line("ab|");
    type(LEFT LEFT LEFT "\b\x7f");
    assert_line("|ab");
}

static void text_is_removed_on_either_side(void **state)
{
    (void)state;
    type("abcdef" LEFT LEFT "\b" DELETE);
    assert_line("abc|f");
    type("\x7f\4");
    assert_line("ab|");
    type("\1\4");
    assert_line("|b");
}

static void kills_take_what_they_say(void **state)
{
    (void)state;
    type("one two  three" LEFT LEFT "\27");
    assert_line("one two  |ee");
    type("\27");
    assert_line("one |ee");
    type(LEFT "\13");
    assert_line("one|");
    type(LEFT "\25");
    assert_line("|e");
    type("xyz" LEFT "\3");
    assert_line("|");
}

static void enter_takes_the_whole_line_wherever_the_cursor_is(void **state)
{
    (void)state;
    type("mem; maps" HOME RIGHT "\r");
    assert_int_equal(result, LINEEDIT_DONE);
    assert_string_equal(edit.line, "mem; maps");
    type("x");
    assert_string_equal(tty_row(&terminal, 0), PROMPT "mem; maps");
    assert_string_equal(tty_row(&terminal, 1), PROMPT "x");
}

/* A sink that keeps what is sent. */
static char sent[256];

static void keep(void *context, const char *text, size_t length)
{
    (void)context;
    strncat(sent, text, length);
}

static void plain_typing_sends_itself_alone(void **state)
{
    (void)state;
    lineedit_init(&edit, &(struct lineedit_port){PROMPT, 80, keep, NULL, names});
    lineedit_open(&edit);
    for (const char *byte = "alloc 10x\b0\r"; *byte != '\0'; byte++)
        lineedit_take(&edit, *byte);
    assert_string_equal(sent, PROMPT "alloc 10x\b \b0\n");
}

static void older_lines_come_back_and_the_one_begun_stays(void **state)
{
    (void)state;
    type("first\rsecond\r\rsecond\rbegun" LEFT UP);
    assert_line("second|");
    type("\20");
    assert_line("first|");
    type(UP UP);
    assert_line("first|");
    type(DOWN);
    assert_line("second|");
    type("\16");
    assert_line("begun|");
    type(DOWN DOWN);
    assert_line("begun|");
}

static void a_recalled_line_is_changed_as_a_copy(void **state)
{
    (void)state;
    type("first\r" UP "!\r");
    assert_string_equal(edit.line, "first!");
    type(UP);
    assert_line("first!|");
    type(UP);
    assert_line("first|");
    type("\r" UP UP UP);
    assert_line("first|");
}

static void a_line_that_was_cut_up_is_recalled_whole(void **state)
{
    (void)state;
    type("peek 1; mem\r");
    memset(edit.line, 0, sizeof edit.line);
    type(UP);
    assert_line("peek 1; mem|");
}

static void tab_completes_a_command(void **state)
{
    (void)state;
    type("fr\t");
    assert_line("frames |");
    type("; hel\t");
    assert_line("frames ; help |");
    type("\3ma\t");
    assert_line("map|");
    type("s\t");
    assert_line("maps |");
    assert_int_equal(terminal.row, 0); /* nothing was listed */
    type("\3xy\t");
    assert_line("xy|");
    type("\3fr x" HOME RIGHT RIGHT "\t");
    assert_line("frames| x");
}

static void tab_is_a_blank_where_no_command_stands(void **state)
{
    (void)state;
    type("help\t0x1000\t16");
    assert_line("help 0x1000 16|");
}

static void tab_lists_commands_when_it_is_not_clear(void **state)
{
    (void)state;
    type("mem;" HOME RIGHT "\t");
    assert_string_equal(tty_row(&terminal, 1), "map  maps  mem");
    assert_string_equal(tty_row(&terminal, 2), PROMPT "mem;");
    assert_line("m|em;");
    type(END "\t");
    assert_string_equal(tty_row(&terminal, 3), "map  maps  mem  help  heap  frames");
    assert_line("mem;|");
}

static void a_list_is_no_wider_than_the_terminal(void **state)
{
    (void)state;
    start_with(14);
    type("\t");
    assert_string_equal(tty_row(&terminal, 1), "map  maps");
    assert_string_equal(tty_row(&terminal, 2), "mem  help");
    assert_string_equal(tty_row(&terminal, 3), "heap  frames");
    assert_string_equal(tty_row(&terminal, 4), ">");
}

static void a_line_too_long_is_said_to_be_cut(void **state)
{
    (void)state;
    for (int i = 0; i < LINE_MAX; i++)
        type("a");
    type("\r");
    assert_int_equal(result, LINEEDIT_DONE);
    type(UP "b\r");
    assert_int_equal(result, LINEEDIT_CUT);
    assert_int_equal(strlen(edit.line), LINE_MAX);
    type(UP "b\b\r");
    assert_int_equal(result, LINEEDIT_DONE);
    type(UP "bb" HOME "\b\r");
    assert_int_equal(result, LINEEDIT_CUT);
}

/* A naive model of the keys: the line, the lines before it, and which of them is recalled. */
static struct {
    char line[LINEEDIT_SIZE], draft[LINEEDIT_SIZE];
    char old[4096][LINEEDIT_SIZE];
    size_t cursor, count, age;
} model;

static void model_remove(size_t from, size_t to)
{
    char rest[LINEEDIT_SIZE];
    strcpy(rest, model.line + to);
    strcpy(model.line + from, rest);
    model.cursor = from;
}

static void model_insert(char character)
{
    char rest[LINEEDIT_SIZE];
    if (strlen(model.line) == LINE_MAX)
        return;
    strcpy(rest, model.line + model.cursor);
    model.line[model.cursor++] = character;
    strcpy(model.line + model.cursor, rest);
}

static void model_recall(size_t age)
{
    if (age == model.age || age > model.count || age > HISTORY_LINES)
        return;
    if (model.age == 0)
        strcpy(model.draft, model.line);
    strcpy(model.line, age == 0 ? model.draft : model.old[model.count - age]);
    model.cursor = strlen(model.line);
    model.age = age;
}

static void model_enter(void)
{
    bool again = model.count > 0 && strcmp(model.old[model.count - 1], model.line) == 0;
    if (strspn(model.line, " ") < strlen(model.line) && !again)
        strcpy(model.old[model.count++], model.line);
    model.line[0] = '\0';
    model.cursor = model.age = 0;
}

static void model_word(void)
{
    size_t from = model.cursor;
    for (bool in_word = false; from > 0; from--) {
        bool blank = model.line[from - 1] == ' ';
        if (in_word && blank)
            break;
        in_word |= !blank;
    }
    model_remove(from, model.cursor);
}

static void model_key(int key)
{
    size_t length = strlen(model.line), cursor = model.cursor;
    if (key == KEY_LEFT)
        model.cursor -= cursor > 0;
    else if (key == KEY_RIGHT)
        model.cursor += cursor < length;
    else if (key == KEY_HOME)
        model.cursor = 0;
    else if (key == KEY_END)
        model.cursor = length;
    else if (key == KEY_BACKSPACE && cursor > 0)
        model_remove(cursor - 1, cursor);
    else if (key == KEY_DELETE && cursor < length)
        model_remove(cursor, cursor + 1);
    else if (key == KEY_KILL_LINE)
        model_remove(0, length);
    else if (key == KEY_KILL_TO_START)
        model_remove(0, cursor);
    else if (key == KEY_KILL_TO_END)
        model_remove(cursor, length);
    else if (key == KEY_KILL_WORD)
        model_word();
    else if (key == KEY_UP)
        model_recall(model.age + 1);
    else if (key == KEY_DOWN)
        model_recall(model.age - (model.age > 0));
    else if (key == KEY_ENTER)
        model_enter();
    else if (key < KEY_ENTER)
        model_insert((char)key);
}

/* A key, and in how many of a hundred it is pressed. */
static const struct {
    int key;
    const char *bytes;
    unsigned weight;
} keyboard[] = {
    {'a', "a", 14},
    {'b', "b", 14},
    {' ', " ", 10},
    {KEY_LEFT, LEFT, 12},
    {KEY_RIGHT, "\33OC", 6},
    {KEY_HOME, HOME, 3},
    {KEY_END, "\5", 3},
    {KEY_BACKSPACE, "\b", 8},
    {KEY_DELETE, DELETE, 6},
    {KEY_KILL_LINE, "\3", 1},
    {KEY_KILL_TO_START, "\25", 1},
    {KEY_KILL_TO_END, "\13", 2},
    {KEY_KILL_WORD, "\27", 3},
    {KEY_UP, UP, 8},
    {KEY_DOWN, "\16", 6},
    {KEY_ENTER, "\r", 3},
};

static size_t any_key(void)
{
    uint64_t at = random_below(&dice, 100);
    size_t i = 0;
    while (at >= keyboard[i].weight)
        at -= keyboard[i++].weight;
    return i;
}

/* Pressed several times: long lines come to be. */
static void press(size_t i)
{
    size_t times = random_once_in(&dice, 50) ? random_below(&dice, 80) : 1;
    for (; times > 0 && model.count < 4095; times--) {
        type(keyboard[i].bytes);
        bool done = result != LINEEDIT_GOES_ON;
        random_assert(&dice, !done || strcmp(edit.line, model.line) == 0);
        model_key(keyboard[i].key);
        random_assert(&dice, done || strcmp(edit.line, model.line) == 0);
        random_assert(&dice, done || edit.cursor == model.cursor);
    }
}

static void random_keys_do_what_the_model_does(void **state)
{
    (void)state;
    static const size_t columns[] = {80, 40, 10, 5, 4};
    dice = random_start();
    for (size_t round = 0; round < sizeof columns / sizeof columns[0]; round++) {
        memset(&model, 0, sizeof model);
        result = LINEEDIT_GOES_ON;
        start_with(columns[round]);
        for (uint64_t i = 0; i < random_steps(20000); i++, dice.step++)
            press(any_key());
    }
}

static void random_bytes_leave_the_terminal_right(void **state)
{
    (void)state;
    static const char often[] = "\33[OABCD~;13 \tmaephfr\b\r";
    dice = random_start();
    start_with(40);
    for (; dice.step < random_steps(200000); dice.step++) {
        char byte = random_once_in(&dice, 4) ? (char)random_next(&dice)
                                             : often[random_below(&dice, sizeof often - 1)];
        if (result != LINEEDIT_GOES_ON)
            lineedit_open(&edit);
        result = lineedit_take(&edit, byte);
        if (result == LINEEDIT_GOES_ON)
            random_assert_silent(&dice, wrong_on_terminal());
        random_assert(&dice, strlen(edit.line) == edit.length && edit.cursor <= edit.length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(text_is_put_in_where_the_cursor_stands, start),
        cmocka_unit_test_setup(the_ends_of_the_line_hold_the_cursor, start),
        cmocka_unit_test_setup(text_is_removed_on_either_side, start),
        cmocka_unit_test_setup(kills_take_what_they_say, start),
        cmocka_unit_test_setup(enter_takes_the_whole_line_wherever_the_cursor_is, start),
        cmocka_unit_test_setup(plain_typing_sends_itself_alone, start),
        cmocka_unit_test_setup(older_lines_come_back_and_the_one_begun_stays, start),
        cmocka_unit_test_setup(a_recalled_line_is_changed_as_a_copy, start),
        cmocka_unit_test_setup(a_line_that_was_cut_up_is_recalled_whole, start),
        cmocka_unit_test_setup(tab_completes_a_command, start),
        cmocka_unit_test_setup(tab_is_a_blank_where_no_command_stands, start),
        cmocka_unit_test_setup(tab_lists_commands_when_it_is_not_clear, start),
        cmocka_unit_test_setup(a_list_is_no_wider_than_the_terminal, start),
        cmocka_unit_test_setup(a_line_too_long_is_said_to_be_cut, start),
        cmocka_unit_test_setup(random_keys_do_what_the_model_does, start),
        cmocka_unit_test_setup(random_bytes_leave_the_terminal_right, start),
    };
    return cmocka_run_group_tests_name("lineedit", tests, NULL, NULL);
}

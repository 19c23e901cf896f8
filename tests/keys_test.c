/* SPDX-License-Identifier: MIT */
/* Tests lib/keys.c: what terminals send, and what they should not. */
#include "lib/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"

/* Asserts that a string's last byte gives `key`, and those before it nothing. */
static void assert_key(const char *bytes, int key)
{
    struct keys keys = {0};
    for (size_t i = 0; i < strlen(bytes); i++) {
        int expected = bytes[i + 1] == '\0' ? key : KEY_NONE;
        if (keys_take(&keys, bytes[i]) != expected)
            fail_msg("byte %zu of ESC%s does not give key %d", i, bytes + 1, expected);
    }
    assert_int_equal(keys_take(&keys, 'x'), 'x');
}

static void printable_characters_are_themselves(void **state)
{
    (void)state;
    for (char byte = ' '; byte <= '~'; byte++)
        assert_key((char[]){byte, '\0'}, byte);
}

static void control_characters_are_those_of_emacs_and_unix(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int key;
    } rows[] = {
        {"\1", KEY_HOME},  {"\2", KEY_LEFT},  {"\3", KEY_KILL_LINE},      {"\4", KEY_DELETE},
        {"\5", KEY_END},   {"\6", KEY_RIGHT}, {"\b", KEY_BACKSPACE},      {"\x7f", KEY_BACKSPACE},
        {"\t", KEY_TAB},   {"\n", KEY_ENTER}, {"\r", KEY_ENTER},          {"\13", KEY_KILL_TO_END},
        {"\16", KEY_DOWN}, {"\20", KEY_UP},   {"\25", KEY_KILL_TO_START}, {"\27", KEY_KILL_WORD},
        {"\7", KEY_NONE},  {"\37", KEY_NONE}, {"\x80", KEY_NONE},         {"\xff", KEY_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_key(rows[i].bytes, rows[i].key);
}

static void escape_sequences_are_keys(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int key;
    } rows[] = {
        {"\33[A", KEY_UP},      {"\33[B", KEY_DOWN},     {"\33[C", KEY_RIGHT},
        {"\33[D", KEY_LEFT},    {"\33[H", KEY_HOME},     {"\33[F", KEY_END},
        {"\33OA", KEY_UP},      {"\33OB", KEY_DOWN},     {"\33OC", KEY_RIGHT},
        {"\33OD", KEY_LEFT},    {"\33OH", KEY_HOME},     {"\33OF", KEY_END},
        {"\33[1~", KEY_HOME},   {"\33[7~", KEY_HOME},    {"\33[4~", KEY_END},
        {"\33[8~", KEY_END},    {"\33[3~", KEY_DELETE},  {"\33[3;5~", KEY_DELETE},
        {"\33[1;5D", KEY_LEFT}, {"\33[1;2C", KEY_RIGHT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_key(rows[i].bytes, rows[i].key);
}

static void unknown_sequences_are_swallowed_whole(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\33[5~",      "\33[@",  "\33[13~", "\33[33~", "\33[Z", "\33[?25h",
        "\33[>0;1;2c", "\33[ q", "\33OP",   "\33O~",   "\33x",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_key(rows[i], KEY_NONE);
    assert_key("\33[4294967299~", KEY_NONE); /* 2^32 + 3 */
}

static void control_characters_end_a_sequence(void **state)
{
    (void)state;
    assert_key("\33\r", KEY_ENTER);
    assert_key("\33[\r", KEY_ENTER);
    assert_key("\33[1;\r", KEY_ENTER);
    assert_key("\33O\r", KEY_ENTER);
    assert_key("\33[1\33[A", KEY_UP);
    assert_key("\33\33[3~", KEY_DELETE);
}

/* Whatever has come, enter is enter and what follows it is text. */
static void any_bytes_give_keys_and_come_to_an_end(void **state)
{
    (void)state;
    struct random dice = random_start();
    struct keys keys = {0};
    for (dice.step = 0; dice.step < random_steps(100000); dice.step++) {
        int key = keys_take(&keys, (char)random_next(&dice));
        random_assert(&dice, key == KEY_NONE || (key >= ' ' && key <= '~') ||
                                 (key >= KEY_ENTER && key <= KEY_KILL_WORD));
        if (random_once_in(&dice, 8)) {
            random_assert(&dice, keys_take(&keys, '\r') == KEY_ENTER);
            random_assert(&dice, keys_take(&keys, 'A') == 'A');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_characters_are_themselves),
        cmocka_unit_test(control_characters_are_those_of_emacs_and_unix),
        cmocka_unit_test(escape_sequences_are_keys),
        cmocka_unit_test(unknown_sequences_are_swallowed_whole),
        cmocka_unit_test(control_characters_end_a_sequence),
        cmocka_unit_test(any_bytes_give_keys_and_come_to_an_end),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}

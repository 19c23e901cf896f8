/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/parse.c: tables of the cases that matter, and random lines against a naive model of the
 * words. SEED=n in the environment chooses other lines.
 */
#include "lib/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/error.h"
#include "tests/host/random.h"

enum { LINE_SIZE = 24, WORDS_MAX = 16 };

static struct random dice;

static void assert_number(const char *text, uint64_t expected)
{
    uint64_t value = ~expected;
    assert_int_equal(parse_number(text, &value), 0);
    assert_int_equal(value, expected);
}

static void assert_no_number(const char *text, int error)
{
    uint64_t value = 4711;
    if (parse_number(text, &value) != error)
        fail_msg("\"%s\" does not return %d", text, error);
    assert_int_equal(value, 4711);
}

static void numbers_are_decimal_or_hexadecimal(void **state)
{
    (void)state;
    assert_number("0", 0);
    assert_number("007", 7);
    assert_number("1234567890", 1234567890);
    assert_number("0x0", 0);
    assert_number("0xfFaA09", 0xffaa09);
    assert_number("0x00000000000000000001", 1);
    assert_number("18446744073709551615", UINT64_MAX);
    assert_number("0xffffffffffffffff", UINT64_MAX);
}

static void suffixes_multiply_by_powers_of_1024(void **state)
{
    (void)state;
    assert_number("4K", 4096);
    assert_number("4k", 4096);
    assert_number("3M", 3UL << 20);
    assert_number("3m", 3UL << 20);
    assert_number("0x10G", 16UL << 30);
    assert_number("0xag", 10UL << 30);
    assert_number("2T", 2UL << 40);
    assert_number("2t", 2UL << 40);
    assert_number("0T", 0);
    assert_number("16777215T", 16777215UL << 40);
    assert_number("18014398509481983K", UINT64_MAX - 1023);
}

static void junk_is_no_number(void **state)
{
    (void)state;
    static const char *const junk[] = {
        "",   " ",   "-1", "+1", "1 ",  " 1",  "x",   "0x",  "0xg",  "0xK",  "K",     "1KK",
        "1B", "1KB", "1E", "1a", "1.5", "1,0", "0b1", "1Kx", "\xb2", "0x-1", "0x0x1",
    };
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
        assert_no_number(junk[i], -EINVAL);
    assert_no_number("99999999999999999999999z", -EINVAL);
}

static void numbers_beyond_64_bits_are_out_of_range(void **state)
{
    (void)state;
    assert_no_number("18446744073709551616", -ERANGE);
    assert_no_number("0x10000000000000000", -ERANGE);
    assert_no_number("99999999999999999999999999999999999999", -ERANGE);
    assert_no_number("18014398509481984K", -ERANGE);
    assert_no_number("16777216T", -ERANGE);
    assert_no_number("0xffffffffffffffffK", -ERANGE);
}

static void numbers_read_back_as_they_were_printed(void **state)
{
    (void)state;
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(20000); round++) {
        uint64_t number = random_next(&dice);
        number >>= random_below(&dice, 64);
        uint64_t decimal = ~number;
        uint64_t hexadecimal = ~number;
        char text[32];
        snprintf(text, sizeof(text), "%lu", number);
        int decimal_result = parse_number(text, &decimal);
        snprintf(text, sizeof(text), random_once_in(&dice, 2) ? "0x%lx" : "0x%lX", number);
        int hexadecimal_result = parse_number(text, &hexadecimal);
        if (decimal_result != 0 || hexadecimal_result != 0 || decimal != number ||
            hexadecimal != number)
            fail_msg("SEED=%lu, round %lu: %lu is not read back", dice.seed, round, number);
    }
}

/* Asserts that a line has the words of `expected`, which end with NULL. */
static void assert_words(const char *line, const char *const expected[])
{
    char *copy = strdup(line);
    char *words[WORDS_MAX];
    int count = parse_words(copy, words, WORDS_MAX);
    int i = 0;
    for (; expected[i] != NULL; i++) {
        assert_true(i < count);
        assert_string_equal(words[i], expected[i]);
    }
    assert_int_equal(count, i);
    free(copy);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_WORDS   ((const char *const[]){NULL})

static void words_are_cut_at_spaces_and_tabs(void **state)
{
    (void)state;
    assert_words("", NO_WORDS);
    assert_words(" \t ", NO_WORDS);
    assert_words("one", WORDS("one"));
    assert_words("\tone  two\t\tthree ", WORDS("one", "two", "three"));
    assert_words("a\nb;c", WORDS("a\nb;c"));
}

static void quotes_hold_words_together_and_are_dropped(void **state)
{
    (void)state;
    assert_words("\"a b\" 'c\td'", WORDS("a b", "c\td"));
    assert_words("a\"b c\"d'e f'", WORDS("ab cde f"));
    assert_words("\"it's\" '\"'", WORDS("it's", "\""));
    assert_words("'' x \"\"", WORDS("", "x", ""));
    assert_words("''\"\"''", WORDS(""));
}

static void words_fail_when_too_many_or_unclosed(void **state)
{
    (void)state;
    char *words[2];
    char fits[] = "a b ";
    assert_int_equal(parse_words(fits, words, 2), 2);
    char many[] = "a b c";
    assert_int_equal(parse_words(many, words, 2), -E2BIG);
    char blank[] = " ";
    assert_int_equal(parse_words(blank, NULL, 0), 0);
    char none[] = "a";
    assert_int_equal(parse_words(none, NULL, 0), -E2BIG);
    char open[] = "a 'b c";
    assert_int_equal(parse_words(open, words, 2), -EINVAL);
    char other[] = "\"b'";
    assert_int_equal(parse_words(other, words, 2), -EINVAL);
}

struct model {
    int count; /* or -EINVAL */
    char word[WORDS_MAX][LINE_SIZE];
};

/* The words of a line, by a table of states: outside words, inside, in either quote. */
static void model_words(const char *line, struct model *model)
{
    enum { OUTSIDE, INSIDE, SINGLE, DOUBLE } place = OUTSIDE;
    size_t length = 0;
    memset(model, 0, sizeof(*model));
    for (; *line != '\0'; line++) {
        bool blank = *line == ' ' || *line == '\t';
        if (place == OUTSIDE && !blank) {
            model->count++;
            length = 0;
            place = INSIDE;
        }
        if (place == INSIDE && blank)
            place = OUTSIDE;
        else if (place == INSIDE && *line == '\'')
            place = SINGLE;
        else if (place == INSIDE && *line == '"')
            place = DOUBLE;
        else if ((place == SINGLE && *line == '\'') || (place == DOUBLE && *line == '"'))
            place = INSIDE;
        else if (place != OUTSIDE)
            model->word[model->count - 1][length++] = *line;
    }
    if (place == SINGLE || place == DOUBLE)
        model->count = -EINVAL;
}

/* A line of few characters, in memory of its exact size. */
static char *random_line(const char *alphabet)
{
    size_t length = random_below(&dice, LINE_SIZE);
    char *line = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        line[i] = alphabet[random_below(&dice, strlen(alphabet))];
    line[length] = '\0';
    return line;
}

static bool words_match(char *line, const struct model *model)
{
    char *words[WORDS_MAX];
    int count = parse_words(line, words, WORDS_MAX);
    if (count != model->count)
        return false;
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], model->word[i]) != 0)
            return false;
    }
    return true;
}

static void random_lines_have_the_words_of_the_model(void **state)
{
    (void)state;
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(100000); round++) {
        struct model model;
        char before[LINE_SIZE];
        char *line = random_line("ab= \t\"'");
        strcpy(before, line);
        model_words(line, &model);
        if (!words_match(line, &model))
            fail_msg("SEED=%lu, round %lu: wrong words in <%s>", dice.seed, round, before);
        free(line);
    }
}

static void commands_are_cut_at_semicolons_outside_quotes(void **state)
{
    (void)state;
    char line[] = "heap; say 'a;b' \"c;'d\";;last";
    char *rest = line;
    assert_string_equal(parse_command(&rest), "heap");
    assert_string_equal(parse_command(&rest), " say 'a;b' \"c;'d\"");
    assert_string_equal(parse_command(&rest), "");
    assert_string_equal(parse_command(&rest), "last");
    assert_null(parse_command(&rest));
    assert_null(parse_command(&rest));
}

static void no_command_is_left_after_a_final_semicolon(void **state)
{
    (void)state;
    char line[] = "one;";
    char *rest = line;
    assert_string_equal(parse_command(&rest), "one");
    assert_null(parse_command(&rest));
    char empty[] = "";
    rest = empty;
    assert_null(parse_command(&rest));
}

static void an_open_quote_holds_the_rest_of_the_line(void **state)
{
    (void)state;
    char line[] = "a; 'b; c";
    char *rest = line;
    assert_string_equal(parse_command(&rest), "a");
    assert_string_equal(parse_command(&rest), " 'b; c");
    assert_null(parse_command(&rest));
}

static void assert_option(const char *line, const char *key, const char *expected)
{
    char value[32] = "unset";
    assert_int_equal(parse_option(line, key, value, sizeof(value)), strlen(expected));
    assert_string_equal(value, expected);
}

static void options_are_found_among_the_words(void **state)
{
    (void)state;
    assert_option("quiet log=all cmd=help", "cmd", "help");
    assert_option("cmd=help", "cmd", "help");
    assert_option("cmd=", "cmd", "");
    assert_option("cmd=a=b", "cmd", "a=b");
    assert_option("cmd=one cmd=two", "cmd", "two");
    assert_option("cmd='test list; poweroff' x", "cmd", "test list; poweroff");
    assert_option("x \"cmd=test list\"", "cmd", "test list");
    assert_option("cmd=a' b '\"c d\" e", "cmd", "a b c d");
}

static void absent_options_are_not_found(void **state)
{
    (void)state;
    static const char *const lines[] = {"",       "cmd",       "cm=d", "cmdx=1",
                                        "xcmd=1", "'x cmd=1'", "CMD=1"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char value[8] = "unset";
        assert_int_equal(parse_option(lines[i], "cmd", value, sizeof(value)), -ENOENT);
        assert_string_equal(value, "unset");
    }
}

static void options_must_fit_and_be_closed(void **state)
{
    (void)state;
    char *value = malloc(4);
    assert_int_equal(parse_option("k=abc", "k", value, 4), 3);
    assert_int_equal(parse_option("k=abcd", "k", value, 4), -E2BIG);
    assert_int_equal(parse_option("k=abcd k=a", "k", value, 4), 1);
    assert_int_equal(parse_option("k=", "k", value, 1), 0);
    assert_int_equal(parse_option("k=", "k", value, 0), -E2BIG);
    assert_int_equal(parse_option("k='a", "k", value, 4), -EINVAL);
    assert_int_equal(parse_option("k=a \"", "k", value, 4), -EINVAL);
    free(value);
}

/* What parse_option must return for the key "a", by the model's words. */
static int model_option(const struct model *model, const char **value)
{
    *value = NULL;
    for (int i = 0; i < model->count; i++) {
        if (strncmp(model->word[i], "a=", 2) == 0)
            *value = model->word[i] + 2;
    }
    if (model->count < 0)
        return model->count;
    return *value == NULL ? -ENOENT : (int)strlen(*value);
}

static void random_lines_have_the_options_of_the_model(void **state)
{
    (void)state;
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(100000); round++) {
        struct model model;
        const char *expected;
        char value[LINE_SIZE];
        char *line = random_line("aa==b  \"'");
        model_words(line, &model);
        int result = parse_option(line, "a", value, sizeof(value));
        if (result != model_option(&model, &expected) ||
            (result >= 0 && strcmp(value, expected) != 0))
            fail_msg("SEED=%lu, round %lu: wrong option in <%s>", dice.seed, round, line);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_decimal_or_hexadecimal),
        cmocka_unit_test(suffixes_multiply_by_powers_of_1024),
        cmocka_unit_test(junk_is_no_number),
        cmocka_unit_test(numbers_beyond_64_bits_are_out_of_range),
        cmocka_unit_test(numbers_read_back_as_they_were_printed),
        cmocka_unit_test(words_are_cut_at_spaces_and_tabs),
        cmocka_unit_test(quotes_hold_words_together_and_are_dropped),
        cmocka_unit_test(words_fail_when_too_many_or_unclosed),
        cmocka_unit_test(random_lines_have_the_words_of_the_model),
        cmocka_unit_test(commands_are_cut_at_semicolons_outside_quotes),
        cmocka_unit_test(no_command_is_left_after_a_final_semicolon),
        cmocka_unit_test(an_open_quote_holds_the_rest_of_the_line),
        cmocka_unit_test(options_are_found_among_the_words),
        cmocka_unit_test(absent_options_are_not_found),
        cmocka_unit_test(options_must_fit_and_be_closed),
        cmocka_unit_test(random_lines_have_the_options_of_the_model),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}

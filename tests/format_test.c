/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/format.c against the host's snprintf, over systematic and random formats. Where C
 * leaves a combination undefined, or the two differ on purpose, the expected text is written out.
 * SEED=n in the environment chooses other random formats.
 */
#include "lib/format.h"

#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static char context[128]; /* says what is being compared, for the message of a failure */

static struct random dice;

static uint64_t random_word(void)
{
    uint64_t word = random_next(&dice);
    return word >> random_below(&dice, 64);
}

/* Formats by both functions, into `size` bytes of which none beyond may change. */
static void same_in(size_t size, const char *format, va_list arguments)
{
    char ours[512];
    char theirs[512];
    va_list again;
    memset(ours, 0x7e, sizeof(ours));
    memset(theirs, 0x7e, sizeof(theirs));
    va_copy(again, arguments);
    int our_length = format_text_v(ours, size, format, arguments);
    int their_length = vsnprintf(theirs, size, format, again);
    va_end(again);
    if (our_length != their_length)
        fail_msg("%s: \"%s\" has length %d, not %d", context, format, our_length, their_length);
    if (memcmp(ours, theirs, sizeof(ours)) != 0)
        fail_msg("%s: \"%s\" gives \"%.*s\", not \"%.*s\"", context, format, (int)size, ours,
                 (int)size, theirs);
}

/* Asserts that the format has the same result as on the host. */
static void same(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    same_in(512, format, arguments);
    va_end(arguments);
}

static void same_truncated(size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    same_in(size, format, arguments);
    va_end(arguments);
}

/* Asserts that the format gives `expected`. */
static void assert_text(const char *expected, const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    int length = format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static const char *const lengths[] = {"hh", "h", "", "l", "ll", "j", "z", "t"};

static bool length_is_word(const char *length)
{
    return strchr("ljzt", length[0]) != NULL && length[0] != '\0';
}

static const uint64_t values[] = {0,
                                  1,
                                  7,
                                  8,
                                  9,
                                  10,
                                  127,
                                  128,
                                  255,
                                  256,
                                  32767,
                                  32768,
                                  65535,
                                  65536,
                                  INT32_MAX,
                                  1UL << 31,
                                  UINT32_MAX,
                                  1UL << 32,
                                  INT64_MAX,
                                  1UL << 63,
                                  UINT64_MAX,
                                  -(uint64_t)7,
                                  -(uint64_t)128,
                                  -(uint64_t)32768};

/* Compares one format over all the values. */
static void same_over_values(const char *format, bool word)
{
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (word)
            same(format, values[i]);
        else
            same(format, (unsigned)values[i]);
    }
}

/* "%", the flags whose bits are set in `set`, and the rest. */
static void build(char *format, unsigned set, const char *width, const char *precision,
                  const char *length, char conversion)
{
    static const char flags[] = "-+ #0";
    *format++ = '%';
    for (unsigned i = 0; flags[i] != '\0'; i++) {
        if (set >> i & 1)
            *format++ = flags[i];
    }
    sprintf(format, "%s%s%s%c", width, precision, length, conversion);
}

static void integers_print_as_on_the_host(void **state)
{
    (void)state;
    static const char *const widths[] = {"", "1", "9", "40"};
    static const char *const precisions[] = {"", ".", ".0", ".1", ".7", ".30"};
    char format[32];
    strcpy(context, "systematic");
    for (const char *conversion = "diuoxX"; *conversion != '\0'; conversion++) {
        for (size_t length = 0; length < COUNT_OF(lengths); length++) {
            for (unsigned set = 0; set < 32; set++) {
                for (size_t w = 0; w < COUNT_OF(widths); w++) {
                    for (size_t p = 0; p < COUNT_OF(precisions); p++) {
                        build(format, set, widths[w], precisions[p], lengths[length], *conversion);
                        same_over_values(format, length_is_word(lengths[length]));
                    }
                }
            }
        }
    }
}

static void strings_and_characters_print_as_on_the_host(void **state)
{
    (void)state;
    static const char *const widths[] = {"", "1", "3", "6", "33", "100"};
    static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".6", ".7", ".200"};
    static const char *const texts[] = {"", "a", "loam", "sandy loam, silt loam and clay", NULL};
    char format[32];
    strcpy(context, "systematic");
    for (unsigned left = 0; left < 2; left++) {
        for (size_t w = 0; w < COUNT_OF(widths); w++) {
            build(format, left, widths[w], "", "", 'c');
            same(format, 'x');
            same(format, 0);
            same(format, 200);
            for (size_t p = 0; p < COUNT_OF(precisions); p++) {
                build(format, left, widths[w], precisions[p], "", 's');
                for (size_t t = 0; t < COUNT_OF(texts); t++)
                    same(format, texts[t]);
            }
        }
    }
}

static void pointers_print_as_on_the_host_except_null(void **state)
{
    (void)state;
    strcpy(context, "pointer");
    same("%p %p", (void *)1, (void *)UINTPTR_MAX);
    same("%20p|%-20p|%3p", (void *)0xb8000, (void *)0xffffffff80000000, (void *)0xabcdef);
    same("%018p", (void *)0xffff800000001000);
    assert_text("0x0", "%p", NULL);
    assert_text("  0x0", "%5p", NULL);
    assert_text("0x0  |", "%-5p|", NULL);
}

static void a_string_without_terminator_is_read_to_its_precision(void **state)
{
    (void)state;
    char *text = malloc(3);
    memcpy(text, "abc", 3);
    assert_text("abc", "%.3s", text);
    assert_text("ab", "%.*s", 2, text);
    free(text);
}

static void stars_take_width_and_precision_from_the_arguments(void **state)
{
    (void)state;
    strcpy(context, "stars");
    for (int width = -12; width <= 12; width++) {
        same("%*d|%0*x|%-*u", width, 45, width, 46U, width, 47U);
        same("%*c|%*s", width, 'c', width, "text");
        for (int precision = -3; precision <= 12; precision++) {
            same("%*.*d|%0*.*d", width, precision, -45, width, precision, 45);
            same("%*.*s|%.*s", width, precision, "some words", precision, "more");
        }
    }
}

static void many_arguments_keep_their_order(void **state)
{
    (void)state;
    strcpy(context, "many");
    same("%d %s %lx %c %u %hhd %p %zu %o %s %jd %5.3d%%|%-4s|%td", 1, "two", 3L, '4', 5U, 6,
         (void *)7, (size_t)8, 9U, "ten", (intmax_t)11, 12, "13", (ptrdiff_t)14);
    same("no conversions");
    same("");
    same("%%%d%%%%", 5);
}

/* Writes `mark` and a number in [1, end), or often nothing. */
static void random_count(char *text, const char *mark, size_t end)
{
    text[0] = '\0';
    if (random_once_in(&dice, 2))
        sprintf(text, "%s%zu", mark, 1 + random_below(&dice, end - 1));
}

/* A random conversion of an integer or string, before an argument that must still be found. */
static void compare_random_format(void)
{
    static const char *const texts[] = {NULL, "", "x", "field", "a longer piece of text"};
    char format[64] = "<";
    char width[24];
    char precision[24];
    char conversion = "diuoxXs"[random_below(&dice, 7)];
    bool is_text = conversion == 's';
    const char *length = is_text ? "" : lengths[random_below(&dice, COUNT_OF(lengths))];
    unsigned set = (unsigned)random_below(&dice, 32) & (is_text ? 1 : 31);
    random_count(width, "", 70);
    random_count(precision, ".", 30);
    build(format + 1, set, width, precision, length, conversion);
    strcat(format, "> %d");

    uint64_t value = random_once_in(&dice, 2) ? random_word() : -random_word();
    size_t size = random_once_in(&dice, 4) ? random_below(&dice, 40) : 512;
    if (is_text)
        same_truncated(size, format, texts[random_below(&dice, COUNT_OF(texts))], 42);
    else if (length_is_word(length))
        same_truncated(size, format, value, 42);
    else
        same_truncated(size, format, (unsigned)value, 42);
}

static void random_formats_print_as_on_the_host(void **state)
{
    (void)state;
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(100000); round++) {
        snprintf(context, sizeof(context), "SEED=%lu, round %lu", dice.seed, round);
        compare_random_format();
    }
}

static void format_truncates_like_snprintf(void **state)
{
    (void)state;
    strcpy(context, "truncated");
    for (size_t size = 0; size < 64; size++) {
        same_truncated(size, "%s", "exactly as much as there is room for");
        same_truncated(size, "%d and %-20s|%08lx", 12345, "text", 0xabcdefL);
        same_truncated(size, "%40d", 5);
    }
    assert_int_equal(format_text(NULL, 0, "%d", 12345), 5);
}

static void unknown_conversions_are_printed_as_they_stand(void **state)
{
    (void)state;
    assert_text("%k", "%k");
    assert_text("%n 7", "%n %d", 7);
    assert_text("%-08.3lQ|7", "%-08.3lQ|%d", 7);
    assert_text("%f", "%f");
    assert_text("%", "%");
    assert_text("50%", "%d%", 50);
    assert_text("%5", "%5");
    assert_text("%.", "%.");
    assert_text("%ll", "%ll");
    assert_text("%*y7", "%*y%d", 5, 7);
}

struct counter {
    uint64_t length;
    bool empty_piece;
};

static void count_pieces(void *counter, const char *text, size_t length)
{
    struct counter *count = counter;
    (void)text;
    count->length += length;
    count->empty_piece |= length == 0;
}

static int count_format(struct counter *counter, const char *format, ...)
{
    va_list arguments;
    *counter = (struct counter){0};
    va_start(arguments, format);
    int length = format_to(count_pieces, counter, format, arguments);
    va_end(arguments);
    return length;
}

static void format_to_sends_every_character(void **state)
{
    (void)state;
    struct counter counter;
    assert_int_equal(count_format(&counter, "a%5db%s%%", 7, "text"), 12);
    assert_int_equal(counter.length, 12);
    assert_false(counter.empty_piece);
    assert_int_equal(count_format(&counter, "%s%.0d", "", 0), 0);
    assert_int_equal(counter.length, 0);
    assert_false(counter.empty_piece);
}

static void a_length_above_int_max_is_minus_one(void **state)
{
    (void)state;
    struct counter counter;
    assert_int_equal(count_format(&counter, "%*d", INT_MAX, 1), INT_MAX);
    assert_int_equal(counter.length, INT_MAX);
    assert_int_equal(count_format(&counter, "%*dx", INT_MAX, 1), -1);
    assert_int_equal(counter.length, (uint64_t)INT_MAX + 1);
    assert_int_equal(count_format(&counter, "%-*d", INT_MIN, 1), -1);
    assert_int_equal(count_format(&counter, "%99999999999999999999d", 1), -1);
    assert_int_equal(count_format(&counter, "%.99999999999999999999s", "abc"), 3);
}

static void assert_bytes(uint64_t bytes, const char *expected)
{
    char text[FORMAT_BYTES_SIZE];
    assert_ptr_equal(format_bytes(text, bytes), text);
    assert_string_equal(text, expected);
}

static void bytes_print_for_people(void **state)
{
    (void)state;
    assert_bytes(0, "0 B");
    assert_bytes(1, "1 B");
    assert_bytes(1023, "1023 B");
    assert_bytes(1024, "1 KiB");
    assert_bytes(1025, "1.0 KiB");
    assert_bytes(1536, "1.5 KiB");
    assert_bytes(4096, "4 KiB");
    assert_bytes((1 << 20) - 1, "1023.9 KiB");
    assert_bytes(264188723, "251.9 MiB");
    assert_bytes(1UL << 40, "1 TiB");
    assert_bytes(1UL << 63, "8 EiB");
    assert_bytes(UINT64_MAX, "15.9 EiB");
}

/* The text, read back, is the value rounded down to a tenth of its unit. */
static void bytes_are_rounded_down_to_a_tenth(void **state)
{
    (void)state;
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(20000); round++) {
        static const char letters[] = "BKMGTPE";
        uint64_t bytes = random_word();
        char text[FORMAT_BYTES_SIZE];
        unsigned whole;
        unsigned tenth = 0;
        char letter;
        format_bytes(text, bytes);
        bool exact = sscanf(text, "%u.%u %c", &whole, &tenth, &letter) != 3;
        if (exact)
            sscanf(text, "%u %c", &whole, &letter);
        unsigned shift = 10 * (unsigned)(strchr(letters, letter) - letters);
        __extension__ unsigned __int128 tenths = (unsigned __int128)bytes * 10 >> shift;
        bool right = tenths == 10 * whole + tenth && (whole > 0 || shift == 0) && whole < 1024 &&
                     exact == (bytes == (uint64_t)whole << shift) && strlen(text) <= 10;
        if (!right)
            fail_msg("SEED=%lu, round %lu: %lu bytes are \"%s\"", dice.seed, round, bytes, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_print_as_on_the_host),
        cmocka_unit_test(strings_and_characters_print_as_on_the_host),
        cmocka_unit_test(pointers_print_as_on_the_host_except_null),
        cmocka_unit_test(a_string_without_terminator_is_read_to_its_precision),
        cmocka_unit_test(stars_take_width_and_precision_from_the_arguments),
        cmocka_unit_test(many_arguments_keep_their_order),
        cmocka_unit_test(random_formats_print_as_on_the_host),
        cmocka_unit_test(format_truncates_like_snprintf),
        cmocka_unit_test(unknown_conversions_are_printed_as_they_stand),
        cmocka_unit_test(format_to_sends_every_character),
        cmocka_unit_test(a_length_above_int_max_is_minus_one),
        cmocka_unit_test(bytes_print_for_people),
        cmocka_unit_test(bytes_are_rounded_down_to_a_tenth),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/keymap.c: what each key types, by itself and with those that modify it. */
#include "kernel/keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define UP(key) ((key) | 0x80)

enum { CONTROL = 0x1d, LEFT_SHIFT = 0x2a, RIGHT_SHIFT = 0x36, CAPS = 0x3a, NUM = 0x45, A = 0x1e };

static struct keymap keymap;

static int fresh(void **state)
{
    (void)state;
    keymap = (struct keymap){0};
    return 0;
}

/* What the codes type, up to the first 0. */
static const char *typed_by(const uint8_t *codes)
{
    static char text[256];
    size_t length = 0;
    for (; *codes != 0; codes++) {
        length += keymap_take(&keymap, *codes, text + length);
        assert_true(length <= sizeof text - KEYMAP_TEXT_MAX);
    }
    text[length] = '\0';
    return text;
}

#define EXPECT(text, ...) assert_string_equal(typed_by((const uint8_t[]){__VA_ARGS__, 0}), text)

/* All keys from `first` on, pressed and released. */
static const char *row(uint8_t first, uint8_t count)
{
    uint8_t codes[64] = {0};
    for (uint8_t i = 0; i < count; i++) {
        codes[2 * i] = first + i;
        codes[2 * i + 1] = UP(first + i);
    }
    return typed_by(codes);
}

static void keymap_types_the_us_layout(void **state)
{
    (void)state;
    assert_string_equal(row(0x01, 14), "\0331234567890-=\177");
    assert_string_equal(row(0x0f, 14), "\tqwertyuiop[]\r");
    assert_string_equal(row(0x1e, 12), "asdfghjkl;'`");
    assert_string_equal(row(0x2b, 11), "\\zxcvbnm,./");
    assert_string_equal(row(0x37, 3), "* ");
}

static void keymap_types_the_us_layout_with_either_shift(void **state)
{
    (void)state;
    static const uint8_t shifts[] = {LEFT_SHIFT, RIGHT_SHIFT};
    for (unsigned i = 0; i < 2; i++) {
        EXPECT("", shifts[i]);
        assert_string_equal(row(0x01, 14), "\033!@#$%^&*()_+\177");
        assert_string_equal(row(0x0f, 14), "\tQWERTYUIOP{}\r");
        assert_string_equal(row(0x1e, 12), "ASDFGHJKL:\"~");
        assert_string_equal(row(0x2b, 11), "|ZXCVBNM<>?");
        EXPECT("a", UP(shifts[i]), A);
    }
}

static void keymap_shift_lasts_until_both_are_released(void **state)
{
    (void)state;
    EXPECT("AAa", LEFT_SHIFT, RIGHT_SHIFT, A, UP(LEFT_SHIFT), A, UP(RIGHT_SHIFT), A);
}

static void keymap_caps_lock_turns_letters_only_and_shift_turns_them_back(void **state)
{
    (void)state;
    EXPECT("A1", CAPS, UP(CAPS), A, 0x02);
    EXPECT("a!", LEFT_SHIFT, A, 0x02, UP(LEFT_SHIFT));
    EXPECT("a", CAPS, UP(CAPS), A);
}

static void keymap_a_held_lock_toggles_once(void **state)
{
    (void)state;
    EXPECT("A", CAPS, CAPS, CAPS, CAPS, UP(CAPS), A);
}

static void keymap_control_gives_control_characters(void **state)
{
    (void)state;
    EXPECT("\001\003\025\032", CONTROL, A, 0x2e, 0x16, 0x2c);
    EXPECT("\033\034\035", 0x1a, 0x2b, 0x1b);
    EXPECT("1", 0x02);
    EXPECT("\001", CAPS, UP(CAPS), A);
    EXPECT("\001", LEFT_SHIFT, A, UP(LEFT_SHIFT));
    EXPECT("a", CAPS, UP(CAPS), UP(CONTROL), A);
    EXPECT("\001", 0xe0, CONTROL, A);
    EXPECT("a", 0xe0, UP(CONTROL), A);
}

static void keymap_cursor_keys_send_what_terminals_send(void **state)
{
    (void)state;
    EXPECT("\033[A\033[B\033[C\033[D", 0xe0, 0x48, 0xe0, 0x50, 0xe0, 0x4d, 0xe0, 0x4b);
    EXPECT("\033[H\033[F", 0xe0, 0x47, 0xe0, 0x4f);
    EXPECT("\033[2~\033[3~", 0xe0, 0x52, 0xe0, 0x53);
    EXPECT("\033[5~\033[6~", 0xe0, 0x49, 0xe0, 0x51);
    EXPECT("", 0xe0, 0xc8, 0xe0, 0xd0);
}

static void keymap_num_lock_makes_digits_of_the_keypad_but_not_of_the_grey_keys(void **state)
{
    (void)state;
    EXPECT("\033[H\033[A-\033[3~", 0x47, 0x48, 0x4a, 0x53);
    EXPECT("", NUM, UP(NUM));
    assert_string_equal(row(0x47, 13), "789-456+1230.");
    EXPECT("\033[H", 0xe0, 0x47);
    EXPECT("\033[H7", LEFT_SHIFT, 0x47, UP(LEFT_SHIFT), 0x47);
    EXPECT("\r/*-+", 0xe0, 0x1c, 0xe0, 0x35, 0x37, 0x4a, 0x4e);
}

/* Grey keys come between a made-up release of shift and a made-up press of it. */
static void keymap_made_up_shifts_are_ignored(void **state)
{
    (void)state;
    EXPECT("\033[AA", LEFT_SHIFT, 0xe0, 0xaa, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x2a, A);
    EXPECT("a", UP(LEFT_SHIFT), 0xe0, 0x2a, A);
}

static void keymap_pause_and_the_keys_without_meaning_type_nothing(void **state)
{
    (void)state;
    EXPECT("", 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    EXPECT("a", A);                                             /* no control from the Pause key, */
    EXPECT("\033[H", 0x47);                                     /* and no Num Lock */
    EXPECT("", 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa); /* Print Screen */
    EXPECT("", 0x3b, 0x44, 0x57, 0x58, 0x38, 0x56, 0xe0, 0x5b, 0xe0, 0x20);
    EXPECT("", 0xfa, 0xaa, 0x54);
    EXPECT("a", A);
}

/* After any codes at all, releasing every modifier makes plain letters again, but for Caps Lock. */
static void keymap_comes_to_rest_after_any_codes(void **state)
{
    (void)state;
    char text[KEYMAP_TEXT_MAX];
    for (unsigned seed = 0; seed < 2000; seed++) {
        uint32_t next = seed;
        for (unsigned i = 0; i < 50; i++) {
            next = next * 1664525 + 1013904223;
            assert_true(keymap_take(&keymap, (uint8_t)(next >> 24), text) <= KEYMAP_TEXT_MAX);
        }
        EXPECT("", 0xc5, 0xc5, 0xc5, 0xc5, 0xc5, 0xc5);
        EXPECT("", UP(LEFT_SHIFT), UP(RIGHT_SHIFT), UP(CONTROL), 0xe0, UP(CONTROL));
        assert_string_equal(typed_by((uint8_t[]){A, 0}), keymap.caps.on ? "A" : "a");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keymap_types_the_us_layout, fresh),
        cmocka_unit_test_setup(keymap_types_the_us_layout_with_either_shift, fresh),
        cmocka_unit_test_setup(keymap_shift_lasts_until_both_are_released, fresh),
        cmocka_unit_test_setup(keymap_caps_lock_turns_letters_only_and_shift_turns_them_back,
                               fresh),
        cmocka_unit_test_setup(keymap_a_held_lock_toggles_once, fresh),
        cmocka_unit_test_setup(keymap_control_gives_control_characters, fresh),
        cmocka_unit_test_setup(keymap_cursor_keys_send_what_terminals_send, fresh),
        cmocka_unit_test_setup(keymap_num_lock_makes_digits_of_the_keypad_but_not_of_the_grey_keys,
                               fresh),
        cmocka_unit_test_setup(keymap_made_up_shifts_are_ignored, fresh),
        cmocka_unit_test_setup(keymap_pause_and_the_keys_without_meaning_type_nothing, fresh),
        cmocka_unit_test_setup(keymap_comes_to_rest_after_any_codes, fresh),
    };
    return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}

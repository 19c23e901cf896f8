/* SPDX-License-Identifier: MIT */
/*
 * Tests kernel/screen.c on a framebuffer that is an array: what is drawn bit by bit is what drawing
 * it all at once gives. SEED=n in the environment chooses other inputs.
 */
#include "kernel/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/font.h"
#include "tests/host/random.h"

static console_output *output;

/* What the screen asks of the console. */
void console_add(console_output *added)
{
    output = added;
}

static const struct boot_framebuffer small = {
    .base = 0x1000,
    .width = 10 * FONT_WIDTH + 3,
    .height = 5 * FONT_HEIGHT + 7,
    .pitch = 10 * FONT_WIDTH + 6,
    .red_shift = 16,
    .green_shift = 8,
};

/* Exactly the framebuffer, so that the sanitizer sees its ends, filled with a colour that no text
 * has. */
static uint32_t *new_pixels(const struct boot_framebuffer *framebuffer)
{
    size_t count = (size_t)framebuffer->pitch * framebuffer->height;
    uint32_t *pixels = malloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = 0xff00ff;
    return pixels;
}

static void write_text(const char *text)
{
    output(text, strlen(text));
}

/* NULL or what is wrong: every visible pixel is like in a picture drawn at once, and what lies
 * between the lines is untouched. */
static const char *difference(const struct boot_framebuffer *framebuffer, const uint32_t *pixels)
{
    uint32_t *fresh = new_pixels(framebuffer);
    const char *wrong = NULL;
    screen_show(fresh);
    for (size_t i = 0; i < (size_t)framebuffer->pitch * framebuffer->height; i++) {
        if (i % framebuffer->pitch >= framebuffer->width && pixels[i] != 0xff00ff)
            wrong = "a pixel beyond the end of a line is drawn";
        if (pixels[i] != fresh[i])
            wrong = "a pixel is not as it would be in a new picture";
    }
    free(fresh);
    screen_show(NULL);
    return wrong;
}

static void screen_drawn_bit_by_bit_is_as_drawn_at_once(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",      "Zy", " ",      "\n",    "\b \b",
                                         "\033[A", "\t", "\033[K", "\r...", "\033[2J\033[H"};
    struct random dice = random_start();
    for (uint64_t round = 0; round < random_steps(200); round++) {
        uint32_t *pixels = new_pixels(&small);
        assert_true(screen_init(&small));
        screen_show(pixels);
        for (unsigned i = 0; i < 100; i++)
            write_text(pieces[random_below(&dice, sizeof pieces / sizeof pieces[0])]);
        assert_ptr_equal(difference(&small, pixels), NULL);
        free(pixels);
    }
}

static void screen_remembers_what_was_written_before_it_is_shown(void **state)
{
    (void)state;
    assert_true(screen_init(&small));
    write_text("early");
    uint32_t *pixels = new_pixels(&small);
    screen_show(pixels);
    unsigned inked = 0;
    for (size_t i = 0; i < (size_t)5 * FONT_WIDTH; i++)
        for (size_t y = 0; y < FONT_HEIGHT; y++)
            inked += pixels[y * small.pitch + i] != pixels[small.pitch * (small.height - 1)];
    assert_true(inked > 50);
    free(pixels);
}

/* Colours go where the framebuffer wants them. */
static void screen_colours_follow_the_shifts(void **state)
{
    (void)state;
    struct boot_framebuffer swapped = small;
    swapped.red_shift = 0;
    swapped.blue_shift = 16;
    uint32_t *pixels = new_pixels(&small), *exchanged = new_pixels(&small);
    assert_true(screen_init(&small));
    screen_show(pixels);
    assert_true(screen_init(&swapped));
    screen_show(exchanged);
    uint32_t last = pixels[small.width - 1], other = exchanged[small.width - 1];
    assert_int_equal(other, (last & 0xff) << 16 | (last & 0xff00) | last >> 16);
    assert_int_not_equal(last, other);
    free(pixels);
    free(exchanged);
}

static void screen_text_grows_with_the_screen(void **state)
{
    static const struct {
        uint32_t width, height;
        struct screen_size size;
    } cases[] = {
        {8, 16, {1, 1, 1}},          {640, 480, {80, 30, 1}},
        {1280, 800, {160, 50, 1}},   {1920, 1080, {240, 67, 1}},
        {2048, 2048, {256, 128, 1}}, {2049, 32, {128, 1, 2}},
        {2560, 1440, {160, 45, 2}},  {3840, 2160, {240, 67, 2}},
        {7680, 4320, {240, 67, 4}},  {60000, 60000, {256, 128, 8}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct boot_framebuffer framebuffer = small;
        framebuffer.width = framebuffer.pitch = cases[i].width;
        framebuffer.height = cases[i].height;
        assert_true(screen_init(&framebuffer));
        struct screen_size size = screen_size();
        assert_int_equal(size.columns, cases[i].size.columns);
        assert_int_equal(size.rows, cases[i].size.rows);
        assert_int_equal(size.scale, cases[i].size.scale);
        assert_int_equal(screen_view().columns, size.columns);
        assert_int_equal(screen_bytes(), (uint64_t)4 * cases[i].width * cases[i].height);
    }
}

static void screen_refuses_what_cannot_hold_a_character(void **state)
{
    (void)state;
    struct boot_framebuffer bad[7];
    for (unsigned i = 0; i < 7; i++)
        bad[i] = small;
    bad[0].base = 0;
    bad[1].width = FONT_WIDTH - 1;
    bad[2].height = FONT_HEIGHT - 1;
    bad[3].pitch = small.width - 1;
    bad[4].pitch = UINT32_MAX;
    bad[5].height = UINT32_MAX;
    bad[6].width = bad[6].pitch = 2049;  /* at twice the size, */
    bad[6].height = 2 * FONT_HEIGHT - 1; /* less than a row */
    output = NULL;
    for (unsigned i = 0; i < 7; i++)
        assert_false(screen_init(&bad[i]));
    assert_int_equal(screen_view().rows, 0);
    assert_ptr_equal(output, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screen_refuses_what_cannot_hold_a_character),
        cmocka_unit_test(screen_drawn_bit_by_bit_is_as_drawn_at_once),
        cmocka_unit_test(screen_remembers_what_was_written_before_it_is_shown),
        cmocka_unit_test(screen_colours_follow_the_shifts),
        cmocka_unit_test(screen_text_grows_with_the_screen),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}

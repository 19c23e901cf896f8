/* SPDX-License-Identifier: MIT */
/* Tests kernel/glyph.c: every pixel of every character at every scale, and none beside it. */
#include "kernel/glyph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { INK = 0x11223344, PAPER = 0x55667788, OTHER = 0x0badcafe };

/* What pixel (x, y) of the character must be. */
static uint32_t expected(uint8_t character, unsigned scale, unsigned x, unsigned y, uint8_t invert)
{
    const uint8_t *rows = font[character - FONT_FIRST];
    uint8_t row = rows[y / scale] ^ invert;
    return row >> (7 - x / scale) & 1 ? INK : PAPER;
}

/* Draws in memory that ends with the glyph's last pixel, so that the sanitizer sees its end. */
static void expect_drawing(const struct glyph_pen *pen, uint8_t character, uint8_t as,
                           uint8_t invert)
{
    unsigned width = FONT_WIDTH * pen->scale, height = FONT_HEIGHT * pen->scale;
    size_t pitch = width + 3, before = 1;
    size_t count = before + (height - 1) * pitch + width;
    uint32_t *pixels = malloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = OTHER;
    glyph_draw(pen, pixels + before, pitch, character, invert);
    assert_int_equal(pixels[0], OTHER);
    for (size_t i = 0; i < count - before; i++) {
        unsigned x = (unsigned)(i % pitch), y = (unsigned)(i / pitch);
        uint32_t want = x < width ? expected(as, pen->scale, x, y, invert) : OTHER;
        if (pixels[before + i] != want)
            fail_msg("character 0x%x, scale %u: pixel (%u, %u) is 0x%x, not 0x%x", character,
                     pen->scale, x, y, pixels[before + i], want);
    }
    free(pixels);
}

static void glyph_draws_every_character_at_every_scale(void **state)
{
    (void)state;
    struct glyph_pen pen;
    for (unsigned scale = 1; scale <= GLYPH_SCALE_MAX; scale++) {
        glyph_pen_init(&pen, scale, INK, PAPER);
        for (unsigned character = FONT_FIRST; character <= FONT_BOX; character++) {
            expect_drawing(&pen, (uint8_t)character, (uint8_t)character, 0);
            expect_drawing(&pen, (uint8_t)character, (uint8_t)character, 0xff);
        }
    }
}

static void glyph_draws_a_box_for_what_is_not_in_the_font(void **state)
{
    (void)state;
    struct glyph_pen pen;
    glyph_pen_init(&pen, 1, INK, PAPER);
    for (unsigned character = 0; character < 256; character++)
        if (character < FONT_FIRST || character > FONT_BOX)
            expect_drawing(&pen, (uint8_t)character, FONT_BOX, 0);
}

/* Text can be read back from a picture: no two characters look alike, not even inverted. */
static void font_characters_all_differ(void **state)
{
    (void)state;
    for (unsigned a = 0; a < FONT_GLYPHS; a++)
        for (unsigned b = 0; b < FONT_GLYPHS; b++) {
            unsigned same = 0, inverse = 0;
            for (unsigned row = 0; row < FONT_HEIGHT; row++) {
                same += font[a][row] == font[b][row];
                inverse += (font[a][row] ^ font[b][row]) == 0xff;
            }
            assert_true(a == b || same < FONT_HEIGHT);
            assert_true(inverse < FONT_HEIGHT);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glyph_draws_every_character_at_every_scale),
        cmocka_unit_test(glyph_draws_a_box_for_what_is_not_in_the_font),
        cmocka_unit_test(font_characters_all_differ),
    };
    return cmocka_run_group_tests_name("glyph", tests, NULL, NULL);
}

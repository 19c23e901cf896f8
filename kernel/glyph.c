/* SPDX-License-Identifier: MIT */
/* Half a row of a glyph is one of 16 pieces: drawing is copying these. */
#include "kernel/glyph.h"

#include <stdbool.h>

void glyph_pen_init(struct glyph_pen *pen, unsigned scale, uint32_t ink, uint32_t paper)
{
    pen->scale = scale;
    for (unsigned bits = 0; bits < 16; bits++) {
        for (unsigned word = 0; word < 2 * scale; word++) {
            uint64_t left = bits >> (3 - 2 * word / scale) & 1;
            uint64_t right = bits >> (3 - (2 * word + 1) / scale) & 1;
            pen->piece[bits][word] = (left ? ink : paper) | (uint64_t)(right ? ink : paper) << 32;
        }
    }
}

/* Pixels are aligned to 4 bytes only. */
static void store(uint32_t *pixels, uint64_t word)
{
    __builtin_memcpy(pixels, &word, sizeof word);
}

static void draw_line(const struct glyph_pen *pen, uint32_t *pixels, uint8_t row)
{
    const uint64_t *left = pen->piece[row >> 4], *right = pen->piece[row & 15];
    size_t words = (size_t)2 * pen->scale;
    for (size_t word = 0; word < words; word++) {
        store(pixels + 2 * word, left[word]);
        store(pixels + 2 * (words + word), right[word]);
    }
}

void glyph_draw(const struct glyph_pen *pen, uint32_t *pixels, size_t pitch, uint8_t character,
                uint8_t invert)
{
    bool drawn = character >= FONT_FIRST && character < FONT_BOX;
    const uint8_t *rows = font[(drawn ? character : FONT_BOX) - FONT_FIRST];
    for (unsigned row = 0; row < FONT_HEIGHT; row++) {
        for (unsigned line = 0; line < pen->scale; line++) {
            draw_line(pen, pixels, rows[row] ^ invert);
            pixels += pitch;
        }
    }
}

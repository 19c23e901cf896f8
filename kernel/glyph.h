/* SPDX-License-Identifier: MIT */
/*
 * Draws characters: takes the rows of a glyph, gives pixels of 32 bits. What it draws to is only
 * ever written: reading a framebuffer is slow.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/font.h"

#define GLYPH_SCALE_MAX 8

/* Two colours and a size, and all 4-pixel pieces of a row drawn with them. */
struct glyph_pen {
    unsigned scale;                          /* a font pixel is scale x scale pixels */
    uint64_t piece[16][2 * GLYPH_SCALE_MAX]; /* two pixels a word, the left one low */
};

/* Precondition: 1 <= scale <= GLYPH_SCALE_MAX. */
void glyph_pen_init(struct glyph_pen *pen, unsigned scale, uint32_t ink, uint32_t paper);

/* Draws the glyph of `character` with its upper left corner at `pixels`, lines being `pitch` pixels
 * apart; characters outside the font are boxes. `invert` is 0, or 0xff to exchange ink and paper.
 */
void glyph_draw(const struct glyph_pen *pen, uint32_t *pixels, size_t pitch, uint8_t character,
                uint8_t invert);

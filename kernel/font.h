/* SPDX-License-Identifier: MIT */
/* The font of the screen: 8x16 pixels a character. */
#pragma once

#include <stdint.h>

#define FONT_WIDTH  8
#define FONT_HEIGHT 16
#define FONT_FIRST  ' '
#define FONT_BOX    0x7f /* what a character without a drawing looks like */
#define FONT_GLYPHS (FONT_BOX + 1 - FONT_FIRST)

/* From FONT_FIRST to FONT_BOX. A byte is a row of pixels, bit 7 the leftmost. */
extern const uint8_t font[FONT_GLYPHS][FONT_HEIGHT];

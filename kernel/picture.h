/* SPDX-License-Identifier: MIT */
/* Physical memory as rows of characters: how full each piece of it is. */
#pragma once

#include <stdbool.h>

#include "lib/alloc/frame_stats.h"

#define PICTURE_COLUMNS 64

/* ' ' where nothing is managed, '.' if all of it is free, '1' to '9' for the tenths in use, '#' if
 * nothing is free. */
char picture_character(struct frame_fullness fullness);

/* Order of the pieces, at least 9, so that `range` takes at most `rows` rows. */
unsigned picture_order(struct frame_range range, unsigned rows);

/* Draws the pieces of 2^order frames from `start` on, as far as they begin below `end`; frames
 * outside [start, end) are looked at, too, where an end cuts a piece. False if there is no memory
 * in them. */
bool picture_row(const struct frames *frames, struct frame_range range, unsigned order,
                 char row[PICTURE_COLUMNS + 1]);

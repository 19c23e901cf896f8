/* SPDX-License-Identifier: MIT */
/* The lines typed last, to be recalled by age. Blank lines are not kept, nor a line twice in a row.
 */
#pragma once

#include <stddef.h>

#define HISTORY_LINES     32
#define HISTORY_LINE_SIZE 256 /* a line and its terminator */

/* All zero when empty. */
struct history {
    char lines[HISTORY_LINES][HISTORY_LINE_SIZE];
    size_t added; /* ever; the next one goes to lines[added % HISTORY_LINES] */
};

/* Keeps a copy of `line`, shorter than HISTORY_LINE_SIZE, in place of the oldest if need be. */
void history_add(struct history *history, const char *line);

/* The newest line has age 1. NULL if there is none so old. */
const char *history_get(const struct history *history, size_t age);

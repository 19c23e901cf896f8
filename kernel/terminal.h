/* SPDX-License-Identifier: MIT */
/*
 * A terminal: takes text with control characters and ANSI escape sequences, gives a grid of
 * characters and a cursor. It knows no pixels; screen.c shows the grid.
 *
 * Control characters: newline (which also returns to column 0), return, backspace, tab. Sequences:
 * ESC [ n A, B, C, D move the cursor; ESC [ row ; column H sets it; ESC [ n G sets its column;
 * ESC [ n J erases the screen and ESC [ n K the line: n = 0 from the cursor on, 1 up to it, 2 all.
 * (ECMA-48, 8.3.) Others are swallowed.
 *
 * At the bottom the text moves up by several rows at once, a jump scroll: showing the grid anew
 * costs as much for one row as for many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TERMINAL_PARAMETERS 4
#define TERMINAL_OTHER      0x7f /* a cell whose character is not ASCII */

struct terminal {
    uint8_t *cells; /* columns * rows, row by row, from space to TERMINAL_OTHER */
    unsigned columns, rows;

    /* The cursor. column == columns: the row is full, the next character begins the next one. */
    unsigned column, row;

    /* Rows [changed_start, changed_end) have changed since terminal_shown(). */
    unsigned changed_start, changed_end;

    /* The escape sequence under way. */
    enum { TERMINAL_TEXT, TERMINAL_ESCAPE, TERMINAL_SEQUENCE } state;
    unsigned parameter[TERMINAL_PARAMETERS], parameters;
};

/* A blank grid in the caller's memory. Precondition: columns > 0, rows > 0. */
void terminal_init(struct terminal *terminal, uint8_t *cells, unsigned columns, unsigned rows);

void terminal_write(struct terminal *terminal, const char *text, size_t length);

/* Of the rows written last, the cursor's included, so many are on the grid whatever has scrolled.
 */
unsigned terminal_kept(const struct terminal *terminal);

/* No rows have changed from here on. */
void terminal_shown(struct terminal *terminal);

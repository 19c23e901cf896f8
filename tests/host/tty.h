/* SPDX-License-Identifier: MIT */
/*
 * A terminal for tests: takes what a program sends and holds what a person would see. A VT100
 * without its escape sequences: printable characters, backspace, carriage return and newline (which
 * also returns the carriage); a row that is full wraps when the next character comes. Anything else
 * is counted as unknown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TTY_ROWS_MAX    64
#define TTY_COLUMNS_MAX 160

struct tty {
    size_t rows, columns;
    size_t row, column; /* of the cursor; column == columns: the next character wraps */
    size_t scrolled;    /* rows that have left at the top */
    size_t unknown;
    char cells[TTY_ROWS_MAX][TTY_COLUMNS_MAX];
};

void tty_init(struct tty *tty, size_t rows, size_t columns);

/* A format_sink; the context is the terminal. */
void tty_write(void *context, const char *text, size_t length);

/* A row without the blanks at its end; valid until the next call. */
const char *tty_row(const struct tty *tty, size_t row);

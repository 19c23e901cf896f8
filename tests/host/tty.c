/* SPDX-License-Identifier: MIT */
/* A terminal for tests. */
#include "tests/host/tty.h"

#include <string.h>

void tty_init(struct tty *tty, size_t rows, size_t columns)
{
    *tty = (struct tty){.rows = rows, .columns = columns};
    memset(tty->cells, ' ', sizeof tty->cells);
}

static void new_row(struct tty *tty)
{
    tty->column = 0;
    if (++tty->row < tty->rows)
        return;
    tty->row--;
    tty->scrolled++;
    memmove(tty->cells[0], tty->cells[1], sizeof tty->cells[0] * tty->row);
    memset(tty->cells[tty->row], ' ', sizeof tty->cells[0]);
}

static void print(struct tty *tty, char character)
{
    if (tty->column == tty->columns)
        new_row(tty);
    tty->cells[tty->row][tty->column++] = character;
}

void tty_write(void *context, const char *text, size_t length)
{
    struct tty *tty = context;
    for (; length > 0; text++, length--) {
        if (*text >= ' ' && *text <= '~')
            print(tty, *text);
        else if (*text == '\b' && tty->column > 0)
            tty->column--;
        else if (*text == '\r')
            tty->column = 0;
        else if (*text == '\n')
            new_row(tty);
        else if (*text != '\b')
            tty->unknown++;
    }
}

const char *tty_row(const struct tty *tty, size_t row)
{
    static char text[TTY_COLUMNS_MAX + 1];
    size_t length = tty->columns;
    while (length > 0 && tty->cells[row][length - 1] == ' ')
        length--;
    memcpy(text, tty->cells[row], length);
    text[length] = '\0';
    return text;
}

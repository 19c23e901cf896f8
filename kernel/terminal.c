/* SPDX-License-Identifier: MIT */
/* The grid, its cursor, and the parser of escape sequences. */
#include "kernel/terminal.h"

#include "lib/string.h"

#define TAB           8
#define JUMP          8 /* an eighth of the rows, and one, scroll at once */
#define PARAMETER_MAX 9999

enum { BACKSPACE = 8, ESCAPE = 27, DELETE = 127 };

static void touch(struct terminal *terminal, unsigned start, unsigned end)
{
    if (start < terminal->changed_start)
        terminal->changed_start = start;
    if (end > terminal->changed_end)
        terminal->changed_end = end;
}

static void move_to(struct terminal *terminal, unsigned row, unsigned column)
{
    touch(terminal, terminal->row, terminal->row + 1);
    terminal->row = row < terminal->rows ? row : terminal->rows - 1;
    terminal->column = column < terminal->columns ? column : terminal->columns - 1;
    touch(terminal, terminal->row, terminal->row + 1);
}

static void scroll(struct terminal *terminal, unsigned jump)
{
    unsigned cells = terminal->rows * terminal->columns, gone = jump * terminal->columns;
    memmove(terminal->cells, terminal->cells + gone, cells - gone);
    memset(terminal->cells + (cells - gone), ' ', gone);
    touch(terminal, 0, terminal->rows);
}

/* How many rows scroll at once. */
static unsigned jump_of(const struct terminal *terminal)
{
    return terminal->rows / JUMP + 1;
}

unsigned terminal_kept(const struct terminal *terminal)
{
    return terminal->rows - jump_of(terminal) + 1;
}

static void new_line(struct terminal *terminal)
{
    unsigned row = terminal->row + 1;
    if (row == terminal->rows) {
        scroll(terminal, jump_of(terminal));
        row -= jump_of(terminal);
    }
    move_to(terminal, row, 0);
}

static void put(struct terminal *terminal, uint8_t character)
{
    if (terminal->column == terminal->columns)
        new_line(terminal);
    terminal->cells[terminal->row * terminal->columns + terminal->column++] = character;
    touch(terminal, terminal->row, terminal->row + 1);
}

/* Back over the start of a row that the one before it ran into, too: so a long line can be rubbed
 * out. */
static void back(struct terminal *terminal)
{
    if (terminal->column > 0)
        move_to(terminal, terminal->row, terminal->column - 1);
    else if (terminal->row > 0)
        move_to(terminal, terminal->row - 1, terminal->columns - 1);
}

/* Blanks cells of rows [first, end): by part 0 from the cursor on, by 1 up to it, by 2 all. */
static void erase(struct terminal *terminal, unsigned part, unsigned first, unsigned end)
{
    unsigned cell = first * terminal->columns, end_cell = end * terminal->columns;
    unsigned at = terminal->row * terminal->columns + terminal->column;
    if (part == 0)
        cell = at;
    if (part == 1 && at < end_cell)
        end_cell = at + 1;
    if (cell < end_cell)
        memset(terminal->cells + cell, ' ', end_cell - cell);
    touch(terminal, first, end);
}

static unsigned less(unsigned a, unsigned b)
{
    return a > b ? a - b : 0;
}

/* The sequence's parameter, or `standard` if it was left out or is 0. */
static unsigned parameter(const struct terminal *terminal, unsigned index, unsigned standard)
{
    unsigned value = terminal->parameter[index];
    return value != 0 ? value : standard;
}

static void do_sequence(struct terminal *terminal, char final)
{
    unsigned count = parameter(terminal, 0, 1), row = terminal->row, column = terminal->column;
    switch (final) {
    case 'A':
        return move_to(terminal, less(row, count), column);
    case 'B':
        return move_to(terminal, row + count, column);
    case 'C':
        return move_to(terminal, row, column + count);
    case 'D':
        return move_to(terminal, row, less(column, count));
    case 'G':
        return move_to(terminal, row, count - 1);
    case 'H':
        return move_to(terminal, count - 1, parameter(terminal, 1, 1) - 1);
    case 'J':
        return erase(terminal, terminal->parameter[0], 0, terminal->rows);
    case 'K':
        return erase(terminal, terminal->parameter[0], row, row + 1);
    default:
        return;
    }
}

/* One character of a sequence, after ESC [. Its end is a character from @ to ~. */
static void take_sequence(struct terminal *terminal, char character)
{
    unsigned *last = &terminal->parameter[terminal->parameters];
    if (character >= '0' && character <= '9') {
        if (*last <= PARAMETER_MAX)
            *last = 10 * *last + (unsigned)(character - '0');
    } else if (character == ';') {
        if (terminal->parameters < TERMINAL_PARAMETERS - 1)
            terminal->parameters++;
    } else if (character >= '@' && character <= '~') {
        terminal->state = TERMINAL_TEXT;
        do_sequence(terminal, character);
    }
}

static void take_escape(struct terminal *terminal, char character)
{
    terminal->state = character == '[' ? TERMINAL_SEQUENCE : TERMINAL_TEXT;
    terminal->parameters = 0;
    memset(terminal->parameter, 0, sizeof terminal->parameter);
}

static void take_text(struct terminal *terminal, char character)
{
    switch (character) {
    case '\n':
        return new_line(terminal);
    case '\r':
        return move_to(terminal, terminal->row, 0);
    case '\t':
        return move_to(terminal, terminal->row, (terminal->column / TAB + 1) * TAB);
    case BACKSPACE:
        return back(terminal);
    case ESCAPE:
        terminal->state = TERMINAL_ESCAPE;
        return;
    default:
        if (character < 0)
            put(terminal, TERMINAL_OTHER);
        else if (character >= ' ' && character != DELETE)
            put(terminal, (uint8_t)character);
    }
}

void terminal_write(struct terminal *terminal, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (terminal->state == TERMINAL_ESCAPE)
            take_escape(terminal, text[i]);
        else if (terminal->state == TERMINAL_SEQUENCE)
            take_sequence(terminal, text[i]);
        else
            take_text(terminal, text[i]);
    }
}

void terminal_shown(struct terminal *terminal)
{
    terminal->changed_start = terminal->rows;
    terminal->changed_end = 0;
}

void terminal_init(struct terminal *terminal, uint8_t *cells, unsigned columns, unsigned rows)
{
    *terminal = (struct terminal){.cells = cells, .columns = columns, .rows = rows};
    terminal_shown(terminal);
    erase(terminal, 2, 0, rows);
}

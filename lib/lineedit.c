/* SPDX-License-Identifier: MIT */
/* A line editor. Keys change the line alone; lineview then brings the terminal along. */
#include "lib/lineedit.h"

#include "lib/parse.h"
#include "lib/string.h"

static void print(struct lineedit *edit, const char *text, size_t length)
{
    edit->port.sink(edit->port.context, text, length);
}

static void show(struct lineedit *edit)
{
    lineview_show(&edit->view, edit->line, edit->length, edit->cursor);
}

/* Puts the prompt at the start of a row, and an empty view behind it. */
static void open_view(struct lineedit *edit)
{
    size_t length = strlen(edit->port.prompt);
    print(edit, edit->port.prompt, length);
    lineview_open(&edit->view, edit->port.sink, edit->port.context, edit->port.columns - length);
}

void lineedit_init(struct lineedit *edit, const struct lineedit_port *port)
{
    memset(edit, 0, sizeof *edit);
    edit->port = *port;
}

void lineedit_open(struct lineedit *edit)
{
    edit->line[0] = '\0';
    edit->length = edit->cursor = edit->age = 0;
    edit->cut = false;
    open_view(edit);
}

/* Puts `count` characters in place of [from, to), and the cursor behind them. All or nothing. */
static void replace(struct lineedit *edit, size_t from, size_t to, const char *text, size_t count)
{
    size_t length = edit->length - (to - from) + count;
    if (length >= LINEEDIT_SIZE) {
        edit->cut = true;
        return;
    }
    if (to > from)
        edit->cut = false; /* whoever shortens the line has seen where it ends */
    memmove(edit->line + from + count, edit->line + to, edit->length + 1 - to);
    memcpy(edit->line + from, text, count);
    edit->length = length;
    edit->cursor = from + count;
}

static void insert(struct lineedit *edit, const char *text, size_t count)
{
    replace(edit, edit->cursor, edit->cursor, text, count);
}

static void erase(struct lineedit *edit, size_t from, size_t to)
{
    replace(edit, from, to, "", 0);
}

/* Where the word before the cursor begins. */
static size_t word_start(const struct lineedit *edit)
{
    size_t start = edit->cursor;
    while (start > 0 && edit->line[start - 1] == ' ')
        start--;
    while (start > 0 && edit->line[start - 1] != ' ')
        start--;
    return start;
}

/* Replaces the line by the one of this age, if there is one. */
static void recall(struct lineedit *edit, size_t age)
{
    if (age == edit->age)
        return;
    if (edit->age == 0)
        memcpy(edit->draft, edit->line, edit->length + 1);
    const char *line = age == 0 ? edit->draft : history_get(&edit->history, age);
    if (line == NULL)
        return;
    edit->age = age;
    replace(edit, 0, edit->length, line, strlen(line));
}

/* Finds the word before the cursor if a command's name is to stand there: the first word, or the
 * first behind a `;`. Returns its start, or NULL. */
static const char *command_word(const struct lineedit *edit)
{
    char copy[LINEEDIT_SIZE];
    char *start, *command, *rest = copy;
    memcpy(copy, edit->line, edit->cursor);
    copy[edit->cursor] = '\0';
    do {
        start = rest;
        command = parse_command(&rest);
    } while (command != NULL && rest != command + strlen(command));
    while (*start == ' ')
        start++;
    return strchr(start, ' ') == NULL ? edit->line + (start - copy) : NULL;
}

/* Lists the names that begin as the word, in rows no longer than the terminal, and then shows the
 * line anew. */
static void list(struct lineedit *edit, const char *word, size_t length)
{
    size_t column = 0;
    print(edit, "\n", 1);
    for (size_t i = 0; edit->port.names(i) != NULL; i++) {
        const char *name = edit->port.names(i);
        if (!complete_matches(name, word, length))
            continue;
        if (column > 0 && column + 2 + strlen(name) >= edit->port.columns) {
            print(edit, "\n", 1);
            column = 0;
        }
        if (column > 0)
            print(edit, "  ", 2);
        print(edit, name, strlen(name));
        column += (column > 0 ? 2 : 0) + strlen(name);
    }
    print(edit, "\n", 1);
    open_view(edit);
}

static void complete(struct lineedit *edit)
{
    const char *word = command_word(edit);
    if (word == NULL) {
        insert(edit, " ", 1);
        return;
    }
    size_t length = (size_t)(edit->line + edit->cursor - word);
    struct completion found = complete_find(edit->port.names, word, length);
    if (found.count > 1 && found.common == length)
        list(edit, word, length);
    if (found.count > 0)
        insert(edit, found.first + length, found.common - length);
    if (found.count == 1 && edit->line[edit->cursor] != ' ')
        insert(edit, " ", 1);
}

static void move(struct lineedit *edit, int key)
{
    if (key == KEY_LEFT && edit->cursor > 0)
        edit->cursor--;
    else if (key == KEY_RIGHT && edit->cursor < edit->length)
        edit->cursor++;
    else if (key == KEY_HOME)
        edit->cursor = 0;
    else if (key == KEY_END)
        edit->cursor = edit->length;
}

static void act(struct lineedit *edit, int key)
{
    char character = (char)key;
    size_t cursor = edit->cursor;
    switch (key) {
    case KEY_NONE:
        return;
    case KEY_LEFT:
    case KEY_RIGHT:
    case KEY_HOME:
    case KEY_END:
        return move(edit, key);
    case KEY_BACKSPACE:
        return erase(edit, cursor > 0 ? cursor - 1 : 0, cursor);
    case KEY_DELETE:
        return erase(edit, cursor, cursor < edit->length ? cursor + 1 : cursor);
    case KEY_KILL_LINE:
        return erase(edit, 0, edit->length);
    case KEY_KILL_TO_START:
        return erase(edit, 0, cursor);
    case KEY_KILL_TO_END:
        return erase(edit, cursor, edit->length);
    case KEY_KILL_WORD:
        return erase(edit, word_start(edit), cursor);
    case KEY_UP:
        return recall(edit, edit->age + 1);
    case KEY_DOWN:
        return recall(edit, edit->age > 0 ? edit->age - 1 : 0);
    case KEY_TAB:
        return complete(edit);
    default:
        return insert(edit, &character, 1);
    }
}

enum lineedit_state lineedit_take(struct lineedit *edit, char byte)
{
    int key = keys_take(&edit->keys, byte);
    if (key != KEY_ENTER) {
        act(edit, key);
        show(edit);
        return LINEEDIT_GOES_ON;
    }
    print(edit, "\n", 1);
    history_add(&edit->history, edit->line);
    return edit->cut ? LINEEDIT_CUT : LINEEDIT_DONE;
}

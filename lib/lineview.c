/* SPDX-License-Identifier: MIT */
/* What a terminal shows of a line that is being edited. */
#include "lib/lineview.h"

void lineview_open(struct lineview *view, format_sink *sink, void *context, size_t columns)
{
    *view = (struct lineview){.sink = sink, .context = context, .columns = columns};
}

/* Writes at the cursor. */
static void put(struct lineview *view, char character)
{
    view->text[view->cursor++] = character;
    view->sink(view->context, &character, 1);
}

static void move(struct lineview *view, size_t column)
{
    for (; view->cursor > column; view->cursor--)
        view->sink(view->context, "\b", 1);
    while (view->cursor < column)
        put(view, view->text[view->cursor]);
}

/* Chooses the part to show: the whole line if it fits; else the part as it is, unless the cursor
 * has left it, which then comes to its middle, so that most keys need no redrawing. */
static void scroll(struct lineview *view, size_t length, size_t cursor)
{
    size_t half = view->columns / 2;
    if (length < view->columns)
        view->start = 0;
    else if (cursor >= view->start + view->columns || cursor <= view->start)
        view->start = cursor > half ? cursor - half : 0;
}

/* How many columns show already what they should. */
static size_t same_columns(const struct lineview *view, const char *text, size_t length)
{
    size_t same = 0;
    while (same < length && same < view->length && text[same] == view->text[same])
        same++;
    return same;
}

void lineview_show(struct lineview *view, const char *line, size_t length, size_t cursor)
{
    scroll(view, length, cursor);
    const char *text = line + view->start;
    size_t rest = length - view->start;
    size_t shown = rest < view->columns ? rest : view->columns - 1;
    size_t same = same_columns(view, text, shown);
    if (same < shown || same < view->length) {
        move(view, same);
        while (view->cursor < shown)
            put(view, text[view->cursor]);
        while (view->cursor < view->length)
            put(view, ' ');
        view->length = shown;
    }
    move(view, cursor - view->start);
}

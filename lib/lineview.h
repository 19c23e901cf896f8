/* SPDX-License-Identifier: MIT */
/*
 * What a terminal shows of a line that is being edited. Remembers what stands on the terminal and
 * sends the difference, in printable characters and backspaces alone: any terminal that has the
 * columns will do. A line too long for its columns is shown in part, the cursor always in sight.
 */
#pragma once

#include <stddef.h>

#include "lib/format.h"

#define LINEVIEW_COLUMNS_MAX 256

struct lineview {
    format_sink *sink;
    void *context;
    size_t columns; /* to be used: text in all but the last, which is for the cursor behind it */
    size_t start;   /* the first character of the line that is shown */
    size_t length;  /* characters shown, after which all is blank */
    size_t cursor;  /* its column */
    char text[LINEVIEW_COLUMNS_MAX]; /* what stands in the columns */
};

/* An empty line at the terminal's cursor, which has `columns` columns: 2 to LINEVIEW_COLUMNS_MAX.
 */
void lineview_open(struct lineview *view, format_sink *sink, void *context, size_t columns);

/* Makes the terminal show `line` with the cursor before line[cursor], cursor <= length. */
void lineview_show(struct lineview *view, const char *line, size_t length, size_t cursor);

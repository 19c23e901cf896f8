/* SPDX-License-Identifier: MIT */
/* The lines typed last, in a ring. */
#include "lib/history.h"

#include <stdbool.h>

#include "lib/string.h"

static bool is_blank(const char *line)
{
    while (*line == ' ')
        line++;
    return *line == '\0';
}

void history_add(struct history *history, const char *line)
{
    const char *newest = history_get(history, 1);
    if (is_blank(line) || (newest != NULL && strcmp(line, newest) == 0))
        return;
    memcpy(history->lines[history->added++ % HISTORY_LINES], line, strlen(line) + 1);
}

const char *history_get(const struct history *history, size_t age)
{
    if (age == 0 || age > HISTORY_LINES || age > history->added)
        return NULL;
    return history->lines[(history->added - age) % HISTORY_LINES];
}

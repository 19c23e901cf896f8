/* SPDX-License-Identifier: MIT */
/*
 * Long text for a screen: passes it on to a sink and, before it would push lines away that nobody
 * has read, waits for a key. Space shows the next screenful, enter one more line, q drops the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/format.h"

struct pager {
    /* Set by the owner: */
    format_sink *sink;
    char (*key)(void *context); /* waits for a key */
    void *context;
    size_t rows, columns; /* that the screen shows at a time; rows >= 2 */
    /* Private, zero at the start: */
    size_t row;    /* ended lines that nobody may have read */
    size_t column; /* characters on the line that is not ended */
    bool dropping;
};

void pager_write(struct pager *pager, const char *text, size_t length);

/* What was dropped up to here: text from here on is something else. */
void pager_resume(struct pager *pager);

/* SPDX-License-Identifier: MIT */
/*
 * A line editor: takes what a terminal sends, byte by byte; gives the line once it is done, and
 * meanwhile shows it through a sink. It knows neither where bytes come from nor where they go.
 *
 *   left right home end, ctrl-B F A E     move
 *   backspace, delete or ctrl-D           remove the character before, under the cursor
 *   ctrl-U K W                            remove to the start, to the end, the word before
 *   ctrl-C                                remove the whole line
 *   up down, ctrl-P N                     older and newer lines, down to the one begun
 *   tab                                   complete a command's name; elsewhere it is a blank
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/complete.h"
#include "lib/format.h"
#include "lib/history.h"
#include "lib/keys.h"
#include "lib/lineview.h"

#define LINEEDIT_SIZE HISTORY_LINE_SIZE

/* What it serves: given once. */
struct lineedit_port {
    const char *prompt; /* shorter than `columns` by 2 at least */
    size_t columns;     /* of the terminal, at most LINEVIEW_COLUMNS_MAX */
    format_sink *sink;
    void *context;
    complete_names *names; /* the commands */
};

struct lineedit {
    struct lineedit_port port;
    char line[LINEEDIT_SIZE]; /* terminated */
    size_t length;
    size_t cursor; /* stands before line[cursor] */
    bool cut;      /* some of what was typed did not fit */
    struct keys keys;
    struct lineview view;
    struct history history;
    size_t age;                /* of the line recalled; 0 while none is */
    char draft[LINEEDIT_SIZE]; /* the line begun, while one is recalled */
};

enum lineedit_state {
    LINEEDIT_GOES_ON,
    LINEEDIT_DONE, /* the line is in `line`, and may be changed there */
    LINEEDIT_CUT,  /* as well, but the end of what was typed did not fit */
};

void lineedit_init(struct lineedit *edit, const struct lineedit_port *port);

/* Shows the prompt and begins an empty line. */
void lineedit_open(struct lineedit *edit);

/* Takes the next byte. Unless the line goes on, lineedit_open() is what comes next. */
enum lineedit_state lineedit_take(struct lineedit *edit, char byte);

/* SPDX-License-Identifier: MIT */
/* The prompt: what is typed is edited by lib/lineedit, and what commands say goes through
 * lib/pager. */
#include "kernel/prompt.h"

#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/shell.h"
#include "lib/lineedit.h"
#include "lib/pager.h"
#include "lib/parse.h"

#define TERMINAL_COLUMNS 80 /* every terminal is taken for one of these */

static int more_rows = -1; /* as the command `more` was told; -1: it was not */

static struct lineedit editor;
static struct pager pager;

static void show(void *context, const char *text, size_t length)
{
    (void)context;
    console_show(text, length);
}

static char wait_for_key(void *context)
{
    (void)context;
    return console_get();
}

static void page(const char *text, size_t length)
{
    pager_write(&pager, text, length);
}

/* Whoever sits at a screen, or asked for it with `more`, is shown a page at a time. For nobody else
 * does output wait for a key: it would eat what a script types. */
static void start_paging(struct console_view view)
{
    pager.rows = more_rows >= 0 ? (size_t)more_rows : view.rows;
    pager.columns = view.columns > 0 ? view.columns : TERMINAL_COLUMNS;
    console_filter(pager.rows >= 2 ? page : NULL);
}

static void execute_line(char *line)
{
    struct console_view view = console_view();
    pager = (struct pager){.sink = show, .key = wait_for_key};
    for (char *command = parse_command(&line); command != NULL; command = parse_command(&line)) {
        start_paging(view); /* anew: the command before may have been `more` */
        shell_execute(command);
        pager_resume(&pager);
    }
    console_filter(NULL);
}

_Noreturn void prompt_run(complete_names *names)
{
    const struct lineedit_port port = {
        .prompt = "loam> ", .columns = TERMINAL_COLUMNS, .sink = show, .names = names};
    lineedit_init(&editor, &port);
    for (;;) {
        enum lineedit_state state = LINEEDIT_GOES_ON;
        lineedit_open(&editor);
        while (state == LINEEDIT_GOES_ON)
            state = lineedit_take(&editor, console_get());
        if (state == LINEEDIT_CUT)
            console_print("a line has %d characters at most\n", LINEEDIT_SIZE - 1);
        else
            execute_line(editor.line);
    }
}

static bool more(int argc, char **argv)
{
    uint64_t rows;
    if (argc > 1 && !command_number(argv[1], "more", &rows))
        return false;
    if (argc > 1 && (rows == 1 || rows > 1000)) {
        console_print("more: a screen has 2 to 1000 rows; 0 never pauses\n");
        return false;
    }
    more_rows = argc > 1 ? (int)rows : -1;
    return true;
}

const struct command command_prompt[] = {
    {"more", "[ROWS]", "pause output every ROWS, 0 never; alone: at a screen", 0, 1, more},
    {0},
};

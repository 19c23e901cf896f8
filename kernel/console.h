/* SPDX-License-Identifier: MIT */
/* The console: text goes out to every output that has been added, characters come in from every
 * input. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Shows `length` characters. */
typedef void console_output(const char *text, size_t length);

#define CONSOLE_OUTPUTS_MAX 4

/* The next character typed, or -1 if none has come. */
typedef int console_input(void);

/* What whoever types at an input sees: so many of the lines written last for sure. All 0 if that is
 * not known, as behind a serial line, where a script may be typing. */
struct console_view {
    size_t rows, columns;
};

#define CONSOLE_INPUTS_MAX 4

/* Sets up the serial port and makes it the first output and input. */
void console_init(void);

/* Adds an output. Ignored beyond CONSOLE_OUTPUTS_MAX. */
void console_add(console_output *output);

/* Adds an input. Ignored beyond CONSOLE_INPUTS_MAX. */
void console_add_input(console_input *input, struct console_view view);

/* Shows the text on every output, or gives it to the filter if there is one. Any CPU may call it,
 * in any context but NMI. */
void console_write(const char *text, size_t length);

/* From now on what the boot CPU writes in task context goes through `filter`, which passes it on by
 * console_show(), until the filter is NULL again. */
void console_filter(console_output *filter);
void console_show(const char *text, size_t length);

/* For panics: the caller is the only CPU left, and will be heard, whoever was writing. */
void console_seize(void);

/* Formatted text; conversions are those of lib/format.h. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_print_v(const char *format, va_list arguments);

/* Asks every input for what has been typed and keeps it for console_get(). Called by interrupt
 * handlers. */
void console_take_input(void);

/* Waits for the next character typed; the CPU sleeps meanwhile. Needs irq_init(). */
char console_get(void);

/* What whoever typed the last one sees. */
struct console_view console_view(void);

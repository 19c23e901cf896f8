/* SPDX-License-Identifier: MIT */
/* The console: text goes out to every output that has been added, characters come in from serial.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Shows `length` characters. */
typedef void console_output(const char *text, size_t length);

#define CONSOLE_OUTPUTS_MAX 4

/* Sets up the serial port and makes it the first output. */
void console_init(void);

/* Adds an output. Ignored beyond CONSOLE_OUTPUTS_MAX. */
void console_add(console_output *output);

void console_write(const char *text, size_t length);

/* Formatted text; conversions are those of lib/format.h. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_print_v(const char *format, va_list arguments);

/* Waits for the next character typed; the CPU sleeps meanwhile. Needs pic_init(). */
char console_get(void);

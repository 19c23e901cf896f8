/* SPDX-License-Identifier: MIT */
/* The log's ring of characters. */
#include "kernel/log.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/console.h"
#include "lib/format.h"

static char ring[LOG_SIZE];
static size_t written; /* characters ever; the next one goes to ring[written % LOG_SIZE] */

static void sink(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++)
        ring[written++ % LOG_SIZE] = text[i];
    console_write(text, length);
}

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_to(sink, NULL, format, arguments);
    va_end(arguments);
}

void log_print(const char *area, const char *format, ...)
{
    print("%-8s ", area);
    va_list arguments;
    va_start(arguments, format);
    format_to(sink, NULL, format, arguments);
    va_end(arguments);
    print("\n");
}

void log_show(void)
{
    bool cut = written > LOG_SIZE;
    size_t at = cut ? written - LOG_SIZE : 0;
    while (cut && at < written && ring[at++ % LOG_SIZE] != '\n')
        ;
    for (; at < written; at++)
        console_write(&ring[at % LOG_SIZE], 1);
}

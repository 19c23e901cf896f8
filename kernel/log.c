/* SPDX-License-Identifier: MIT */
/* The log's ring of characters. */
#include "kernel/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/console.h"
#include "kernel/lock.h"
#include "lib/format.h"

static char ring[LOG_SIZE];
static size_t written;   /* characters ever; the next one goes to ring[written % LOG_SIZE] */
static struct lock lock; /* of these two */

void log_init(void)
{
    lock_init(&lock, "log", LOCK_LOG);
}

static void keep(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++)
        ring[written++ % LOG_SIZE] = text[i];
}

static void show(void *context, const char *text, size_t length)
{
    (void)context;
    console_write(text, length);
}

static void print(format_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(format_sink *sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_to(sink, NULL, format, arguments);
    va_end(arguments);
}

static void print_line(format_sink *sink, const char *area, const char *format, va_list arguments)
{
    va_list copy;
    va_copy(copy, arguments);
    print(sink, "%-8s ", area);
    format_to(sink, NULL, format, copy);
    print(sink, "\n");
    va_end(copy);
}

/* The console may wait for a key, nobody with a lock may. */
void log_print(const char *area, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool were_on = lock_take_irq(&lock);
    print_line(keep, area, format, arguments);
    lock_release_irq(&lock, were_on);
    print_line(show, area, format, arguments);
    va_end(arguments);
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

/* SPDX-License-Identifier: MIT */
/* The hosted log: each line is told, for told_expect(). */
#include "kernel/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "tests/host/told.h"

void log_print(const char *area, const char *format, ...)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%s: ", area);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
    va_end(arguments);
    told_collect(line);
}

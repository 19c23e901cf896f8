/* SPDX-License-Identifier: MIT */
/* The hosted panic: ends the test, or the statement that expects it; see expect.h. */
#include "kernel/panic.h"

#include "tests/host/expect.h"

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    expect_panicked(format, arguments);
}

void panic_v(const char *format, va_list arguments)
{
    expect_panicked(format, arguments);
}

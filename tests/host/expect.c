/* SPDX-License-Identifier: MIT */
/* Panics as test results. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lock.h"
#include "tests/host/expect.h"

#include <cmocka.h>

char expect_message[256];

static jmp_buf where;
static struct lock *held; /* the innermost lock, then */
static bool expected;

jmp_buf *expect_begin(void)
{
    expected = true;
    held = lock_held();
    return &where;
}

void expect_missed(const char *statement, const char *part, const char *file, int line)
{
    expected = false;
    print_error("%s does not panic; expected \"%s\"\n", statement, part);
    _fail(file, line);
}

void expect_sentence(const char *part, const char *file, int line)
{
    if (strstr(expect_message, part) != NULL)
        return;
    print_error("the panic says \"%s\"; expected \"%s\"\n", expect_message, part);
    _fail(file, line);
}

void expect_panicked(const char *format, va_list arguments)
{
    vsnprintf(expect_message, sizeof expect_message, format, arguments);
    if (!expected) {
        fprintf(stderr, "unexpected panic: %s\n", expect_message);
        abort();
    }
    expected = false;
    lock_release_down_to(held);
    longjmp(where, 1);
}

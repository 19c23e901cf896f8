/* SPDX-License-Identifier: MIT */
/*
 * Panics as test results: expect_panic(statement, "part of the sentence") passes iff the statement
 * panics with such a sentence. A panic that nobody expects prints its sentence and aborts.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#define expect_panic(statement, part)                            \
    do {                                                         \
        if (setjmp(*expect_begin()) == 0) {                      \
            statement;                                           \
            expect_missed(#statement, part, __FILE__, __LINE__); \
        } else {                                                 \
            expect_sentence(part, __FILE__, __LINE__);           \
        }                                                        \
    } while (0)

/* For whoever implements a panic: ends the statement that expects one. */
_Noreturn void expect_panicked(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

/* The last sentence. */
extern char expect_message[256];

/* For the macro. */
jmp_buf *expect_begin(void);
void expect_missed(const char *statement, const char *part, const char *file, int line);
void expect_sentence(const char *part, const char *file, int line);

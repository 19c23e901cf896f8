/* SPDX-License-Identifier: MIT */
/*
 * Formatted printing: a format string and its arguments become characters, in a buffer or in a
 * sink. Conversions as in C: d i u o x X c s p %, flags - + space # 0, width and precision (also
 * `*`), lengths hh h l ll j z t. No floating point, and no %n: a format that writes memory is a
 * hole. An unknown conversion is printed as it stands.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Takes `length` characters, not terminated, of the text. */
typedef void format_sink(void *context, const char *text, size_t length);

/* Sends the text to `sink` piece by piece. Returns its length, or -1 if that exceeds INT_MAX (the
 * whole text is sent all the same). */
int format_to(format_sink *sink, void *context, const char *format, va_list arguments);

/* As snprintf: writes at most size - 1 characters and a terminator (nothing if size is 0), and
 * returns the length that the whole text has, or -1 as above. */
int format_text(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int format_text_v(char *buffer, size_t size, const char *format, va_list arguments);

/* A count of bytes for people: "4 KiB", "251.9 MiB", "1 TiB"; at most 10 characters and exact
 * where it can be; the tenth is rounded down. Returns `buffer`. */
#define FORMAT_BYTES_SIZE 16
const char *format_bytes(char buffer[FORMAT_BYTES_SIZE], uint64_t bytes);

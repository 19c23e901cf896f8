/* SPDX-License-Identifier: MIT */
/*
 * The memory and string functions of the C library that Loam uses, with their standard contracts.
 * The compiler calls the first four by itself. Bulk work goes by 8-byte words: emulators and
 * microcode are slow at bytes. Hosted builds use the host's.
 */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *text, int character);

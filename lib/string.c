/* SPDX-License-Identifier: MIT */
/*
 * The C library's memory and string functions, by 8-byte words where the sizes are known. Strings
 * go by bytes: a word read could pass the terminator and leave the object. Compile without
 * builtins, or the compiler turns these loops into calls of themselves.
 */
#include "lib/string.h"

#include <stdint.h>

/* A word at any address that may alias objects of any type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

/* Copies in ascending order: right for overlapping areas when `to` is below `from`. */
static void copy_up(unsigned char *to, const unsigned char *from, size_t size)
{
    for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
        *(word_t *)to = *(const word_t *)from;
        to += sizeof(word_t);
        from += sizeof(word_t);
    }
    for (; size > 0; size--)
        *to++ = *from++;
}

/* Copies in descending order: right for overlapping areas when `to` is above `from`. */
static void copy_down(unsigned char *to, const unsigned char *from, size_t size)
{
    for (; size >= sizeof(word_t); size -= sizeof(word_t))
        *(word_t *)(to + size - sizeof(word_t)) = *(const word_t *)(from + size - sizeof(word_t));
    for (; size > 0; size--)
        to[size - 1] = from[size - 1];
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy_up(to, from, size);
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to <= (uintptr_t)from)
        copy_up(to, from, size);
    else
        copy_down(to, from, size);
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    unsigned char *at = to;
    uint64_t word = 0x0101010101010101 * (uint64_t)(unsigned char)byte;
    for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
        *(word_t *)at = word;
        at += sizeof(word_t);
    }
    for (; size > 0; size--)
        *at++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a;
    const unsigned char *right = b;
    while (size >= sizeof(word_t) && *(const word_t *)left == *(const word_t *)right) {
        left += sizeof(word_t);
        right += sizeof(word_t);
        size -= sizeof(word_t);
    }
    for (; size > 0; size--, left++, right++) {
        if (*left != *right)
            return *left - *right;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

size_t strnlen(const char *text, size_t max)
{
    size_t length = 0;
    while (length < max && text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t max)
{
    for (; max > 0; max--, a++, b++) {
        if (*a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        if (*a == '\0')
            break;
    }
    return 0;
}

char *strchr(const char *text, int character)
{
    for (; *text != (char)character; text++) {
        if (*text == '\0')
            return NULL;
    }
    return (char *)text;
}

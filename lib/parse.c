/* SPDX-License-Identifier: MIT */
/*
 * Numbers and words out of typed text. Quotes have one reader, next_character(), so that every
 * function here sees the same words.
 */
#include "lib/parse.h"

#include "lib/error.h"
#include "lib/string.h"

/* The value of a digit in bases up to 16, or 16 if it is none. */
static unsigned digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (unsigned)(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F')
        return (unsigned)(digit - 'A') + 10;
    return 16;
}

/* The power of two that a suffix letter stands for, or 0 if it is none. */
static unsigned suffix_shift(char suffix)
{
    static const char letters[] = "KkMmGgTt";
    const char *letter = suffix == '\0' ? NULL : strchr(letters, suffix);
    return letter == NULL ? 0 : 10 * (unsigned)((letter - letters) / 2 + 1);
}

int parse_number(const char *text, uint64_t *value)
{
    unsigned base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    if (base == 16)
        text += 2;
    if (digit_value(*text) >= base)
        return -EINVAL;

    uint64_t number = 0;
    bool overflow = false;
    for (; digit_value(*text) < base; text++) {
        overflow |= __builtin_mul_overflow(number, base, &number);
        overflow |= __builtin_add_overflow(number, digit_value(*text), &number);
    }

    unsigned shift = suffix_shift(*text);
    if (shift != 0)
        text++;
    if (*text != '\0')
        return -EINVAL;
    if (overflow || number > UINT64_MAX >> shift)
        return -ERANGE;
    *value = number << shift;
    return 0;
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/* A place in a line and the quote that is open there, or '\0'. */
struct reader {
    const char *at;
    char quote;
};

/* Takes a quote that opens or closes here. Returns whether there was one. */
static bool take_quote(struct reader *reader)
{
    char character = *reader->at;
    bool closes = reader->quote != '\0' && character == reader->quote;
    bool opens = reader->quote == '\0' && (character == '"' || character == '\'');
    if (!closes && !opens)
        return false;
    reader->quote = opens ? character : '\0';
    reader->at++;
    return true;
}

/* Takes the next character of the word, or returns '\0' where the word ends. */
static char next_character(struct reader *reader)
{
    while (take_quote(reader))
        continue;
    char character = *reader->at;
    if (character == '\0' || (reader->quote == '\0' && is_blank(character)))
        return '\0';
    reader->at++;
    return character;
}

/* Goes to the start of the next word. Returns whether there is one. */
static bool next_word(struct reader *reader)
{
    while (is_blank(*reader->at))
        reader->at++;
    return *reader->at != '\0';
}

int parse_words(char *line, char *words[], size_t max)
{
    struct reader reader = {.at = line};
    char *to = line; /* at most at reader.at: words only shrink */
    size_t count = 0;
    while (next_word(&reader)) {
        if (count == max)
            return -E2BIG;
        words[count++] = to;
        for (char c = next_character(&reader); c != '\0'; c = next_character(&reader))
            *to++ = c;
        if (reader.quote != '\0')
            return -EINVAL;
        if (*reader.at != '\0')
            reader.at++;
        *to++ = '\0';
    }
    return (int)count;
}

char *parse_command(char **rest)
{
    char *command = *rest;
    if (*command == '\0')
        return NULL;
    struct reader reader = {.at = command};
    while (*reader.at != '\0' && (*reader.at != ';' || reader.quote != '\0')) {
        if (!take_quote(&reader))
            reader.at++;
    }
    char *end = command + (reader.at - command);
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return command;
}

/* Reads the current word to its end. If it says `key`=..., `*value` becomes the place behind the
 * equals sign. */
static void match_option(struct reader *reader, const char *key, struct reader *value)
{
    bool matches = true;
    for (char c = next_character(reader); c != '\0'; c = next_character(reader)) {
        if (!matches)
            continue;
        if (*key == '\0' && c == '=')
            *value = *reader;
        matches = c == *key++;
    }
}

int parse_option(const char *line, const char *key, char *value, size_t size)
{
    struct reader reader = {.at = line};
    struct reader found = {.at = NULL};
    while (next_word(&reader)) {
        match_option(&reader, key, &found);
        if (reader.quote != '\0')
            return -EINVAL;
    }
    if (found.at == NULL)
        return -ENOENT;

    for (size_t length = 0; length < size; length++) {
        value[length] = next_character(&found);
        if (value[length] == '\0')
            return (int)length;
    }
    return -E2BIG;
}

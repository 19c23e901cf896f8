/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the reading of the kernel's command line: parse_option() of lib/parse.c. Bytes: the size
 * of the buffer (1), then the line. The answer must not depend on the buffer, and must be what
 * parse_words() makes of the same line.
 */
#include "lib/error.h"
#include "lib/parse.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 512
#define ROOM      8192

/* The last word that begins with `key=`, or NULL. */
static const char *last_value(char *words[], int count, const char *key)
{
    size_t length = strlen(key);
    for (int i = count - 1; i >= 0; i--)
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return words[i] + length + 1;
    return NULL;
}

static void compare_with_words(const char *line, const char *key, int got, const char *value)
{
    char *words[WORDS_MAX], *copy = strdup(line);
    int count = parse_words(copy, words, WORDS_MAX);
    const char *expected = count < 0 ? NULL : last_value(words, count, key);
    FUZZ_EXPECT(count != -EINVAL || got == -EINVAL);
    FUZZ_EXPECT(count < 0 || expected != NULL || got == -ENOENT);
    if (expected != NULL)
        FUZZ_EXPECT(got == (int)strlen(expected) && strcmp(value, expected) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"run", "a", ""};
    static char value[ROOM];
    if (size == 0 || size > ROOM)
        return 0;
    size_t room = data[0];
    char *line = fuzz_text(data + 1, size - 1), *small = malloc(room);
    for (size_t i = 0; i < 3; i++) {
        int got = parse_option(line, keys[i], value, sizeof value);
        FUZZ_EXPECT(got < 0 || value[got] == '\0');
        compare_with_words(line, keys[i], got, value);
        int in_small = parse_option(line, keys[i], small, room);
        FUZZ_EXPECT(in_small == (got >= 0 && (size_t)got >= room ? -E2BIG : got));
        FUZZ_EXPECT(in_small < 0 || strcmp(small, value) == 0);
    }
    free(line);
    free(small);
    return 0;
}

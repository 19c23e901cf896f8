/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what the prompt does to a line: parse_command(), parse_words() and parse_number() of
 * lib/parse.c. Bytes: the most words (1), then the line.
 */
#include <ctype.h>

#include "lib/error.h"
#include "lib/parse.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 255

/* What parse_number() should answer, by the host's functions and 128-bit numbers. */
static int expected_number(const char *word, uint64_t *value)
{
    static const char suffixes[] = "kmgt";
    unsigned base = strncmp(word, "0x", 2) == 0 ? 16 : 10;
    const char *digits = base == 16 ? word + 2 : word;
    size_t count = strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789");
    const char *suffix = strchr(suffixes, tolower((unsigned char)digits[count]));
    bool has_suffix = digits[count] != '\0' && suffix != NULL;
    if (count == 0 || digits[count + has_suffix] != '\0')
        return -EINVAL;
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < count && sum <= UINT64_MAX; i++)
        sum = sum * base +
              (unsigned)(isdigit(digits[i]) ? digits[i] - '0' : tolower(digits[i]) - 'a' + 10);
    if (has_suffix && sum <= UINT64_MAX)
        sum <<= 10 * (suffix - suffixes + 1);
    *value = (uint64_t)sum;
    return sum > UINT64_MAX ? -ERANGE : 0;
}

static void check_number(const char *word)
{
    uint64_t expected, value = 0xabcdef;
    int error = expected_number(word, &expected);
    FUZZ_EXPECT(parse_number(word, &value) == error);
    FUZZ_EXPECT(value == (error == 0 ? expected : 0xabcdef));
}

/* Words lie in their line, one behind the other, and are not longer than it was. */
static void check_words(char *command, size_t max)
{
    char *words[WORDS_MAX], *next = command;
    size_t length = strlen(command);
    bool has_quotes = strpbrk(command, "\"'") != NULL;
    int count = parse_words(command, words, max);
    FUZZ_EXPECT(count == -EINVAL || count == -E2BIG || (count >= 0 && (size_t)count <= max));
    FUZZ_EXPECT(count != -EINVAL || has_quotes);
    for (int i = 0; i < count; i++) {
        FUZZ_EXPECT(words[i] >= next);
        next = words[i] + strlen(words[i]) + 1;
        FUZZ_EXPECT(next <= command + length + 1);
        FUZZ_EXPECT(has_quotes || (words[i][0] != '\0' && strpbrk(words[i], " \t") == NULL));
        check_number(words[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *line = fuzz_text(data + 1, size - 1), *rest = line;
    char *end = line + strlen(line);
    for (char *command = parse_command(&rest); command != NULL; command = parse_command(&rest)) {
        FUZZ_EXPECT(rest > command && rest <= end);
        FUZZ_EXPECT(command + strlen(command) <= rest);
        FUZZ_EXPECT(strpbrk(command, "\"'") != NULL || strchr(command, ';') == NULL);
        check_words(command, data[0]);
    }
    FUZZ_EXPECT(rest == end);
    free(line);
    return 0;
}

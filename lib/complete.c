/* SPDX-License-Identifier: MIT */
/* A word begun is continued from a list of names. */
#include "lib/complete.h"

#include "lib/string.h"

bool complete_matches(const char *name, const char *word, size_t length)
{
    return strnlen(name, length) == length && memcmp(name, word, length) == 0;
}

/* The length of the common start of two names. */
static size_t common_start(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

struct completion complete_find(complete_names *names, const char *word, size_t length)
{
    struct completion found = {0};
    for (size_t i = 0; names(i) != NULL; i++) {
        if (!complete_matches(names(i), word, length))
            continue;
        if (found.count++ == 0)
            found.first = names(i);
        size_t common = common_start(found.first, names(i));
        found.common = found.count == 1 || common < found.common ? common : found.common;
    }
    return found;
}

/* SPDX-License-Identifier: MIT */
/* A word begun is continued from a list of names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The list: its names by index, then NULL. */
typedef const char *complete_names(size_t index);

struct completion {
    size_t count;      /* names that begin so */
    const char *first; /* one of them, or NULL */
    size_t common;     /* characters that all of them share, the given ones included */
};

/* True iff `name` begins with the `length` characters of `word`. */
bool complete_matches(const char *name, const char *word, size_t length);

struct completion complete_find(complete_names *names, const char *word, size_t length);

/* SPDX-License-Identifier: MIT */
/*
 * Text typed by people becomes numbers and words: the prompt's lines and the kernel command line.
 * Input is never trusted; nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the whole of `text` as an unsigned number: decimal, or hexadecimal after 0x; one suffix of
 * K, M, G, T (either case) multiplies by 2^10, 2^20, 2^30, 2^40. Returns 0, -EINVAL (empty, junk,
 * a sign) or -ERANGE (does not fit 64 bits); `*value` is written only on success. */
int parse_number(const char *text, uint64_t *value);

/* Cuts `line` into words in place, at spaces and tabs; "..." and '...' hold a word together and are
 * dropped. Returns the number of words, -E2BIG if there are more than `max`, -EINVAL if a quote
 * stays open. `words` point into `line`. */
int parse_words(char *line, char *words[], size_t max);

/* Cuts the first command off `*rest`: the text up to a `;` outside quotes. Returns it terminated,
 * with `*rest` behind it, or NULL when nothing is left. */
char *parse_command(char **rest);

/* Finds `key=value` among the words of a command line and copies the value, quotes dropped, into
 * `value` of `size` bytes. Returns its length, -ENOENT if the key is not there, -E2BIG if it does
 * not fit, -EINVAL if a quote stays open. The last of several wins. */
int parse_option(const char *line, const char *key, char *value, size_t size);

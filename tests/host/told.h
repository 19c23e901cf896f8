/* SPDX-License-Identifier: MIT */
/*
 * Checkers as test results: told_expect(x_check(&x, told_collect), "part of a sentence") passes iff
 * the checker tells as many sentences as it returns, and one of them has that part.
 */
#pragma once

#include <stddef.h>

/* A check_report that remembers. */
void told_collect(const char *sentence);

/* Fails the test unless `violations` sentences, `part` in one of them, were told since the last
 * call. */
void told_expect(size_t violations, const char *part);

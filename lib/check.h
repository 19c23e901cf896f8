/* SPDX-License-Identifier: MIT */
/*
 * What checkers share: an invariant that does not hold is told as a sentence and counted. Every
 * structure's own checker (frame_check, heap_check, ...) is built on this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Takes one sentence, terminated, without a newline; valid only during the call. */
typedef void check_report(const char *sentence);

struct check {
    check_report *report;
    size_t violations;
};

/* Unless `holds`, formats the sentence (at most 199 characters of it), tells and counts it. */
void check_expect(struct check *check, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* SPDX-License-Identifier: MIT */
/* What checkers share; check.h has the contract. */
#include "lib/check.h"

#include "lib/format.h"

void check_expect(struct check *check, bool holds, const char *format, ...)
{
    if (holds)
        return;
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    check->violations++;
    check->report(sentence);
}

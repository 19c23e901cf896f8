/* SPDX-License-Identifier: MIT */
/* What checkers tell, remembered for a test; see told.h. */
#include "tests/host/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char told[4096]; /* each sentence ends in a newline */
static size_t count;

void told_collect(const char *sentence)
{
    strncat(told, sentence, sizeof told - strlen(told) - 2);
    strcat(told, "\n");
    count++;
}

void told_expect(size_t violations, const char *part)
{
    if (strstr(told, part) == NULL)
        fail_msg("\"%s\" was not said, but: %s", part, told);
    assert_int_equal(count, violations);
    told[0] = '\0';
    count = 0;
}

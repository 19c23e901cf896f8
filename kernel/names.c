/* SPDX-License-Identifier: MIT */
/* Short names for blocks, in a ring. */
#include "kernel/names.h"

#include <stddef.h>

#include "lib/error.h"
#include "lib/parse.h"
#include "lib/string.h"

static uintptr_t addresses[NAMES_KEPT]; /* of $N: [N % NAMES_KEPT] */
static unsigned newest;                 /* N of the last name; the first is $1 */

static unsigned oldest(void)
{
    return newest < NAMES_KEPT ? 1 : newest - NAMES_KEPT + 1;
}

unsigned names_add(uintptr_t address)
{
    newest++;
    addresses[newest % NAMES_KEPT] = address;
    return newest;
}

unsigned names_move(uintptr_t from, uintptr_t to)
{
    for (unsigned n = newest; n >= oldest(); n--) {
        if (addresses[n % NAMES_KEPT] != from)
            continue;
        addresses[n % NAMES_KEPT] = to;
        return n;
    }
    return names_add(to);
}

/* Cuts $N+OFFSET into its numbers. */
static int parse(const char *text, uint64_t *number, uint64_t *offset)
{
    char digits[20]; /* so many fit 64 bits */
    size_t length = 0;
    if (*text++ != '$')
        return -EINVAL;
    while (text[length] >= '0' && text[length] <= '9')
        length++;
    if (length >= sizeof digits)
        return -ENOENT;
    memcpy(digits, text, length);
    digits[length] = '\0';
    *offset = 0;
    if (text[length] != '\0' && text[length] != '+')
        return -EINVAL;
    int error = text[length] == '+' ? parse_number(text + length + 1, offset) : 0;
    return error != 0 ? error : parse_number(digits, number);
}

int names_find(const char *text, uintptr_t *address)
{
    uint64_t number, offset, sum;
    int error = parse(text, &number, &offset);
    if (error != 0)
        return error;
    if (number < oldest() || number > newest)
        return -ENOENT;
    if (__builtin_add_overflow(addresses[number % NAMES_KEPT], offset, &sum))
        return -ERANGE;
    *address = sum;
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Error numbers, with Linux's values. A call that "returns -errno" returns one of these negated;
 * one that returns an address or -errno is told apart by is_error().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ENOENT 2
#define E2BIG  7
#define EBADF  9
#define ENOMEM 12
#define EBUSY  16
#define EEXIST 17
#define EINVAL 22
#define ERANGE 34

/* True iff `value` is -errno: the last page of the address space is never mapped. */
static inline bool is_error(intptr_t value)
{
    return value < 0 && value >= -4095;
}

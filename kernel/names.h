/* SPDX-License-Identifier: MIT */
/*
 * Short names for blocks at the prompt: $1, $2 and so on, in the order in which they were
 * allocated. A name stands for an address as a C pointer does: it dangles once its block is freed.
 */
#pragma once

#include <stdint.h>

#define NAMES_KEPT 256 /* the newest ones */

/* Names an address. Returns the N of its name $N. */
unsigned names_add(uintptr_t address);

/* Gives the newest name of `from`, if it has one, to `to`. Returns its N, or that of a new name. */
unsigned names_move(uintptr_t from, uintptr_t to);

/* Reads $N or $N+OFFSET. Returns 0; -EINVAL if `text` is no such thing, -ERANGE if the sum does not
 * fit 64 bits; -ENOENT if there is no such name, or none any more. `*address` is written only on
 * success. */
int names_find(const char *text, uintptr_t *address);

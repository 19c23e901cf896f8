/* SPDX-License-Identifier: MIT */
/* Provoked misfortunes: for the `crash` command, and for the tests that see them reported. */
#pragma once

#include <stdbool.h>

/* The function that provokes `kind` (null, text, rodata, exec, stack, smash, ud, divide,
 * protection, triple, nmi, hang), or NULL. Its argument is not looked at. */
typedef void crash_function(void *unused);
crash_function *crash_find(const char *kind);

/* Provokes `kind`. Returns, false, only if there is no such kind (it lists them) or it did no harm.
 */
bool crash_run(const char *kind);

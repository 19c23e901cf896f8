/* SPDX-License-Identifier: MIT */
/* Provoked misfortunes: for the `crash` command, and for the tests that see them reported. */
#pragma once

#include <stdbool.h>

/* The function that provokes `kind` (null, text, rodata, exec, stack, smash, ud, divide,
 * protection, triple, nmi, hang), or NULL. Its argument is not looked at. */
typedef void crash_function(void *unused);
crash_function *crash_find(const char *kind);

/* More of them, gathered by the linker: tests/kernel/misuse has one in each file. */
struct crash {
    const char *kind;
    crash_function *function;
};

#define CRASH(name)                                                                                \
    static void name(void *unused);                                                                \
    static const struct crash crash_##name = {#name, name};                                        \
    __attribute__((section(".crash"), used)) static const struct crash *const crash_entry_##name = \
        &crash_##name;                                                                             \
    static void name(void *unused __attribute__((unused)))

/* Provokes `kind`. Returns, false, only if there is no such kind (it lists them) or nobody noticed.
 */
bool crash_run(const char *kind);

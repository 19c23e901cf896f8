/* SPDX-License-Identifier: MIT */
/*
 * The end: says why and where from, prints a backtrace, and stops the machine with a status that
 * tells QEMU's caller "panic". For bugs of a kernel caller and for damage; exhaustion returns.
 */
#pragma once

#include <stdarg.h>
#include <stdint.h>

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic_v(const char *format, va_list arguments);

/* How the other CPUs are stopped, before a panic says a word. */
void panic_set_stopper(void (*function)(void));

/* The CPU that panics, or PANIC_NOBODY. */
#define PANIC_NOBODY UINT32_MAX
uint32_t panic_teller(void);

/* The first and the last step, for whoever has a longer story to tell in between. Beginning a
 * second time, since telling the story went wrong itself, stops at once; if another CPU is at it,
 * this one stops. */
void panic_begin(const char *reason);
_Noreturn void panic_stop(void);

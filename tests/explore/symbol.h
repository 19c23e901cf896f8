/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses of this program, by nm and addr2line: whoever linked it has binutils, and
 * only a failure asks. Precondition: the program is not position-independent.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes `name`, `name+offset`, or the number if it lies in no object. */
void symbol_data(uintptr_t address, char *text, size_t size);

/* Writes `function (file:line)` of the call that returns to `pc`, or the number. */
void symbol_code(uintptr_t pc, char *text, size_t size);

/* SPDX-License-Identifier: MIT */
/* The keyboard port of a PS/2 controller (8042): scan codes in, by polling. */
#pragma once

#include <stdbool.h>

/* Turns the keyboard on, with its interrupt and the translation to scan code set 1, and the mouse
 * off. False if no controller answers; ps2_get() then finds nothing. */
bool ps2_init(void);

/* The next scan code, or -1 if none has come. */
int ps2_get(void);

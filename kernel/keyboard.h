/* SPDX-License-Identifier: MIT */
/* The PS/2 keyboard as an input of the console. */
#pragma once

#include "kernel/console.h"

/* Sets the keyboard up, if there is one, and adds it to the console's inputs. Whoever types at it
 * sees `view`. */
void keyboard_init(struct console_view view);

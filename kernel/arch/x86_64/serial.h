/* SPDX-License-Identifier: MIT */
/* The first serial port (COM1, a 16550 UART): characters out and in, by polling. It interrupts when
 * some have come in. */
#pragma once

#include <stdbool.h>

/* Sets 115200 baud, 8N1. False if no UART answers; the other calls then do nothing. */
bool serial_init(void);

/* Sends one character. Waits for room, but not for ever: a port that is stuck for many seconds is
 * given up. */
void serial_put(char character);

/* Called again and again while serial_put() waits with interrupts off. */
void serial_set_service(void (*service)(void));

/* The next received character, or -1 if none has come. */
int serial_get(void);

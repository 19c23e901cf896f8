/* SPDX-License-Identifier: MIT */
/*
 * The legacy interrupt controller, used for one thing: an idle kernel sleeps until a character or a
 * timer tick comes, instead of spinning. Interrupts are let in nowhere else.
 */
#pragma once

/* Moves the interrupts out of the way of the exceptions, and lets only timer, keyboard and COM1
 * through. */
void pic_init(void);

/* Sleeps until the next of them: with the timer at its reset rate, 55 ms at most. */
void pic_idle(void);

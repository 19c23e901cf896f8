/* SPDX-License-Identifier: MIT */
/* The legacy interrupt controllers, for machines without APICs. */
#pragma once

#include <stdint.h>

/* Moves their lines 0 to 15 to the vectors from `first_vector` on, out of the way of the
 * exceptions, lets none through, and sets the timer of line 0 to 18.2 ticks a second. */
void pic_init(uint8_t first_vector);

/* Lets exactly the lines 0 to 7 whose bits are set in `lines` through. */
void pic_enable(uint8_t lines);

/* Tells them that the interrupt of this line has been taken. */
void pic_end_of_interrupt(unsigned line);

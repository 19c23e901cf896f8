/* SPDX-License-Identifier: MIT */
/* All that the frame allocator asks of its world. Whoever gives it a new home writes these. */
#pragma once

#include "lib/addr.h"

/* The caller broke a rule of frame.h, or the metadata is damaged: says so and never returns. */
_Noreturn void frame_port_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Clears 2^order frames. They are free memory that nobody else can see. */
void frame_port_zero(frame_t frame, unsigned order);

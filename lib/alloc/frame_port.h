/* SPDX-License-Identifier: MIT */
/*
 * All that the frame allocator asks of its world. Whoever gives it a new home writes these
 * functions and a header frame_home.h, found by include path, with
 *
 *   FRAME_DEBUG       1: record the order of each block, and check it when it comes back
 *   frame_home_cpu()  the number of the CPU that asks, unsigned, below the number given to
 * frame_init(): an inline function. Nothing else may run under that number at the same time, save
 *                     interrupts, which end before what they interrupt goes on
 *   frame_home_drain_others(frames)
 *                     has the other CPUs call frame_drain(), as far as they can, before it returns
 *
 * and, for the simple allocators alone,
 *
 *   frame_home_interrupts_off()  keeps interrupts from this CPU, and tells whether they were on
 *   frame_home_interrupts_on()   lets them come again
 */
#pragma once

#include "lib/addr.h"

/* The caller broke a rule of frame.h, or the metadata is damaged: says so and never returns. */
_Noreturn void frame_port_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Clears 2^order frames. They are free memory that nobody else can see. */
void frame_port_zero(frame_t frame, unsigned order);

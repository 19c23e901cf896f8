/* SPDX-License-Identifier: MIT */
/* The code by which a CPU gets from its reset, in real mode, into the kernel. */
#pragma once

#include "lib/addr.h"

struct percpu;

#define TRAMPOLINE_CEILING ((frame_t){0x100000 >> PAGE_SHIFT}) /* what real mode reaches */

/* Fills the frame below TRAMPOLINE_CEILING that can be written at `page`. A CPU that starts there
 * turns on the tables at `root`, below 4 GiB, which must map the frame at its own address,
 * executable. */
void trampoline_fill(void *page, frame_t frame, phys_t root);

/* The CPU called apic_id will run smp_main(area), interrupts off, on the stack in `area`, which gs
 * points to. NULL: it will halt. */
void trampoline_expect(uint8_t apic_id, struct percpu *area);

/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, by which each CPU gets its interrupts, sends some to other CPUs, and has a timer
 * of its own. All CPUs reach their own at the same address. (Intel SDM vol. 3A, chapter 11.)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define APIC_BYTES 4096 /* of registers */

/* Where its registers can be read and written, not cached. Comes before all else. */
void apic_init(volatile void *registers);

/* True iff this CPU has one, in the mode in which it is reached by memory. */
bool apic_is_usable(void);

/* True iff apic_init() has been called: all below can be. */
bool apic_is_in_use(void);

/* On each CPU: lets interrupts through to it, none of its own yet. Errors come as vector `error`,
 * and what was withdrawn on the way as `spurious`. */
void apic_enable(uint8_t error, uint8_t spurious);

/* What this CPU is called. */
uint8_t apic_id(void);

/* Tells it that the interrupt it delivered last has been taken. */
void apic_end_of_interrupt(void);

/* The causes of errors since it was last asked, a bit each. */
uint32_t apic_take_errors(void);

/* To the CPU called `id`: an interrupt, a reset, or the order to start at a page below 1 MiB. */
void apic_send(uint8_t id, uint8_t vector);
void apic_send_nmi(uint8_t id);
void apic_send_init(uint8_t id);
void apic_send_startup(uint8_t id, uint8_t page);

/* To all CPUs but this. */
void apic_send_nmi_to_others(void);

/* The timer of this CPU: interrupts with `vector` each `ticks` of it, or not at all from now on if
 * that is 0; and what is left until the next. */
void apic_timer_start(uint8_t vector, uint32_t ticks);
uint32_t apic_timer_left(void);

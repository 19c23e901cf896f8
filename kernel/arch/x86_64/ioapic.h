/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: each turns the lines of some devices, numbered through all of them as global
 * interrupts, into messages to a CPU. (Intel 82093AA data sheet.)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IOAPIC_BYTES 32 /* of registers */

/* What comes over a line, and where it goes. */
struct ioapic_route {
    uint8_t vector;
    uint8_t apic_id;
    bool active_low, level;
};

/* Takes over one whose registers can be read and written, not cached, and which serves the global
 * interrupts from `first` on: nothing comes through it yet. Ignored beyond 16 of them. */
void ioapic_add(volatile void *registers, uint32_t first);

/* Lets a global interrupt through. False if no I/O APIC serves it. */
bool ioapic_route(uint32_t global, struct ioapic_route route);

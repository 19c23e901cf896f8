/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs: started, given work, asked to run functions at once, kept from using what the
 * page tables no longer say. docs/smp.md draws all of it.
 *
 * A CPU is the boot CPU (number 0) or idles, halted, until it has work. Everything that is said to
 * run on a CPU in task context runs there with interrupts on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct madt;

/* Starts the CPUs of `madt` (NULL: none), each with an area and stacks of its own. Those that do
 * not answer, or for which there is no memory, are reported and left out. Precondition: irq_init()
 * returned true if `madt` is not NULL; interrupts are on. */
void smp_init(const struct madt *madt);

/* Is that CPU there and running? */
bool smp_is_online(unsigned number);

/* How many are. */
unsigned smp_count(void);

/* Lets an idle CPU run function(argument) in task context, and returns at once. Panics if that CPU
 * is not online, is this one, or has not finished what it was given before. */
void smp_start(unsigned number, void (*function)(void *argument), void *argument);

/* Waits until it has finished. Interrupts are on. */
void smp_wait(unsigned number);

/* Runs function(argument) on a CPU that is online, this one included, in interrupt context there,
 * and returns when it has. Task context, interrupts on, else panics: two CPUs that call each other
 * would wait for ever. */
void smp_call(unsigned number, void (*function)(void *argument), void *argument);

/* The same on all CPUs that are online, at once. */
void smp_call_all(void (*function)(void *argument), void *argument);

/* Lets the calls of other CPUs in. Comes before smp_init(). */
void smp_call_init(void);

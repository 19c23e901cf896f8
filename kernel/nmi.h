/* SPDX-License-Identifier: MIT */
/*
 * Non-maskable interrupts: they stop the other CPUs when one panics, and reach a CPU that hears
 * nothing else. One that nobody sent comes from broken hardware, and is reported as a fault.
 *
 * Their handler interrupts anything, so it allocates nothing and takes no lock.
 */
#pragma once

/* Takes over the NMIs from fault.c, and stops the other CPUs for panics. */
void nmi_init(void);

/* Sends one to a CPU that is online, and returns when it has been handled. One CPU at a time. */
void nmi_send(unsigned number);

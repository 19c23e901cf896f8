/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: from the vector to whoever handles it, with each counted. Devices come through the
 * I/O APICs to the boot CPU, or on a machine without APICs through the old controllers (PIC).
 *
 * A handler runs with interrupts off, in interrupt context: it may allocate and free, and takes
 * only locks that are taken with interrupts off everywhere. It is on the stack of what it
 * interrupted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct madt;
struct percpu;
struct trap_frame;

/* What comes as which vector. The greater ones are delivered first. */
enum irq_vector {
    IRQ_FIRST = 32,      /* after the exceptions */
    IRQ_ISA = IRQ_FIRST, /* the line n of the old controllers is IRQ_ISA + n */
    IRQ_TIMER = 0xe0,
    IRQ_WAKE = 0xf0, /* from another CPU: there is work */
    IRQ_CALL,        /* from another CPU: call a function, now */
    IRQ_FLUSH,       /* from another CPU: flush the TLB */
    IRQ_DRAIN,       /* put back the frames at hand */
    IRQ_ERROR = 0xfe,
    IRQ_SPURIOUS,
};

enum irq_isa_line { IRQ_LINE_TIMER = 0, IRQ_LINE_KEYBOARD = 1, IRQ_LINE_COM1 = 4 };

typedef void irq_handler(struct trap_frame *frame);

/* From now on interrupts are let through to handlers: by the APICs of `madt`, or by the PIC if it
 * is NULL or this CPU's APIC cannot be used. Interrupts stay off. Returns whether by the APICs. */
bool irq_init(const struct madt *madt);

/* The same for another CPU, run by itself. Precondition: irq_init() returned true. */
void irq_init_cpu(void);

/* Who handles a vector, under which name it is shown. Returns who did so before, or NULL. */
irq_handler *irq_handle(unsigned vector, const char *name, irq_handler *handler);

/* Interrupts with IRQ_TIMER on this CPU, so many a second from now on; 0: none. The boot CPU looks
 * for input whose interrupt was lost, IRQ_TICKS times a second. Nothing happens without APICs. */
#define IRQ_TICKS 18
void irq_timer_start(unsigned a_second);

/* How often a vector came to a CPU, and the name of its handler, or NULL. */
uint64_t irq_count(const struct percpu *area, unsigned vector);
const char *irq_name(unsigned vector);

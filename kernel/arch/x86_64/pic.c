/* SPDX-License-Identifier: MIT */
/* Two cascaded 8259A controllers and the 8254 timer that wakes an idle CPU. */
#include "kernel/arch/x86_64/pic.h"

#include "kernel/arch/x86_64/asm.h"

enum { MASTER = 0x20, SLAVE = 0xa0 };

#define CASCADE          2 /* the master's line at which the slave is */
#define END_OF_INTERRUPT 0x20
#define NO_LINE          0xff

static void set_up(uint16_t controller, uint8_t vector, uint8_t cascade)
{
    asm_out8(controller, 0x11);        /* ICW1: initialise, ICW4 follows */
    asm_out8(controller + 1, vector);  /* ICW2: vector of its first line */
    asm_out8(controller + 1, cascade); /* ICW3: where the two meet */
    asm_out8(controller + 1, 0x01);    /* ICW4: 8086 mode */
    asm_out8(controller + 1, NO_LINE);
}

void pic_init(uint8_t first_vector)
{
    set_up(MASTER, first_vector, 1 << CASCADE);
    set_up(SLAVE, first_vector + 8, CASCADE);
    asm_out8(0x43, 0x36); /* timer channel 0: square wave, */
    asm_out8(0x40, 0);    /* divisor 65536: 18.2 ticks a second */
    asm_out8(0x40, 0);
}

void pic_enable(uint8_t lines)
{
    asm_out8(MASTER + 1, (uint8_t)~lines);
}

void pic_end_of_interrupt(unsigned line)
{
    if (line >= 8)
        asm_out8(SLAVE, END_OF_INTERRUPT);
    asm_out8(MASTER, END_OF_INTERRUPT);
}

/* SPDX-License-Identifier: MIT */
/* Two cascaded 8259A controllers and the 8254 timer that wakes an idle CPU. */
#include "kernel/arch/x86_64/pic.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/trap.h"

enum { MASTER = 0x20, SLAVE = 0xa0 };
enum { IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQ_CASCADE = 2, IRQ_COM1 = 4 };

#define FIRST_VECTOR     32
#define END_OF_INTERRUPT 0x20

static void acknowledge(struct trap_frame *frame)
{
    if (frame->vector >= FIRST_VECTOR + 8)
        asm_out8(SLAVE, END_OF_INTERRUPT);
    asm_out8(MASTER, END_OF_INTERRUPT);
}

static void set_up(uint16_t controller, uint8_t vector, uint8_t cascade, uint8_t mask)
{
    asm_out8(controller, 0x11);        /* ICW1: initialise, ICW4 follows */
    asm_out8(controller + 1, vector);  /* ICW2: vector of its first line */
    asm_out8(controller + 1, cascade); /* ICW3: where the two meet */
    asm_out8(controller + 1, 0x01);    /* ICW4: 8086 mode */
    asm_out8(controller + 1, mask);
}

void pic_init(void)
{
    uint8_t wanted = 1 << IRQ_TIMER | 1 << IRQ_KEYBOARD | 1 << IRQ_COM1;
    set_up(MASTER, FIRST_VECTOR, 1 << IRQ_CASCADE, (uint8_t)~wanted);
    set_up(SLAVE, FIRST_VECTOR + 8, IRQ_CASCADE, 0xff);
    for (unsigned irq = 0; irq < 16; irq++)
        trap_handle(FIRST_VECTOR + irq, acknowledge);
    asm_out8(0x43, 0x36); /* timer channel 0: square wave, */
    asm_out8(0x40, 0);    /* divisor 65536: 18.2 ticks a second */
    asm_out8(0x40, 0);
}

void pic_idle(void)
{
    asm_wait_for_interrupt();
}

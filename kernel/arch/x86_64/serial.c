/* SPDX-License-Identifier: MIT */
/* A 16550 UART at the first serial port's address. (PC16550D data sheet, section 8.) */
#include "kernel/arch/x86_64/serial.h"

#include <stddef.h>

#include "kernel/arch/x86_64/asm.h"

#define COM1 0x3f8

enum {
    DATA = COM1,
    DIVISOR_LOW = COM1,
    INTERRUPTS,
    DIVISOR_HIGH = INTERRUPTS,
    FIFO,
    LINE,
    MODEM,
    STATUS
};

#define LINE_8N1          0x03
#define LINE_DIVISOR      0x80
#define MODEM_READY       0x0b /* DTR, RTS, and OUT2, which lets its interrupts out */
#define MODEM_LOOP        0x1e
#define FIFO_CLEAR        0x07
#define STATUS_RECEIVED   0x01
#define STATUS_CAN_SEND   0x20
#define INTERRUPT_ON_DATA 0x01

#define SEND_TICKS 30000000000 /* of the TSC, 10 s at 3 GHz: whoever reads may be slow */
#define LOOP_READS 1000        /* a character takes 90 us to come back on real hardware */

static bool present;
static void (*meanwhile)(void);

void serial_set_service(void (*service)(void))
{
    meanwhile = service;
}

/* In loop mode the UART receives what it sends. */
static bool answers(void)
{
    asm_out8(MODEM, MODEM_LOOP);
    asm_out8(DATA, 0xa5);
    for (unsigned reads = 0; reads < LOOP_READS; reads++)
        if (asm_in8(STATUS) & STATUS_RECEIVED)
            return asm_in8(DATA) == 0xa5;
    return false;
}

bool serial_init(void)
{
    asm_out8(INTERRUPTS, 0);
    asm_out8(LINE, LINE_DIVISOR);
    asm_out8(DIVISOR_LOW, 1); /* 115200 baud */
    asm_out8(DIVISOR_HIGH, 0);
    asm_out8(LINE, LINE_8N1);
    asm_out8(FIFO, FIFO_CLEAR);
    present = answers();
    asm_out8(MODEM, MODEM_READY);
    if (present)
        asm_out8(INTERRUPTS, INTERRUPT_ON_DATA);
    return present;
}

void serial_put(char character)
{
    if (!present)
        return;
    uint64_t start = asm_read_tsc();
    while (!(asm_in8(STATUS) & STATUS_CAN_SEND)) {
        if (asm_read_tsc() - start > SEND_TICKS) {
            present = false; /* stuck: nothing more is lost by not trying again */
            return;
        }
        if (meanwhile != NULL && !asm_interrupts_are_on())
            meanwhile();
        asm_pause();
    }
    asm_out8(DATA, (uint8_t)character);
}

int serial_get(void)
{
    return present && (asm_in8(STATUS) & STATUS_RECEIVED) ? asm_in8(DATA) : -1;
}

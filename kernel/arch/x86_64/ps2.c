/* SPDX-License-Identifier: MIT */
/*
 * The 8042, or what a chipset or firmware puts in its place. Whoever ran before may have left it in
 * any state, and it may not be there at all: every wait is bounded. (Intel 8042 data sheet; IBM
 * PS/2 Hardware Interface Technical Reference.)
 */
#include "kernel/arch/x86_64/ps2.h"

#include <stdint.h>

#include "kernel/arch/x86_64/asm.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = STATUS };

#define STATUS_RECEIVED 0x01
#define STATUS_BUSY     0x02
#define STATUS_MOUSE    0x20
#define STATUS_ABSENT   0xff /* what a port reads that nobody drives */

enum { READ_CONFIG = 0x20, WRITE_CONFIG = 0x60, MOUSE_OFF = 0xa7, KEYS_OFF = 0xad, KEYS_ON = 0xae };

#define CONFIG_INTERRUPT       0x01
#define CONFIG_MOUSE_INTERRUPT 0x02
#define CONFIG_KEYS_OFF        0x10
#define CONFIG_TRANSLATE       0x40

#define KEYBOARD_SEND_CODES 0xf4

#define SPINS      20000 /* some 20 ms: far more than the controller takes */
#define QUEUE_SIZE 256   /* of the largest controller: more is not emptied from it */

static bool present;

static bool wait_for(uint8_t mask, uint8_t wanted)
{
    for (unsigned spins = 0; spins < SPINS; spins++)
        if ((asm_in8(STATUS) & mask) == wanted)
            return true;
    return false;
}

static bool send(uint16_t port, uint8_t value)
{
    bool ready = wait_for(STATUS_BUSY, 0);
    if (ready)
        asm_out8(port, value);
    return ready;
}

static void empty_queue(void)
{
    for (unsigned i = 0; i < QUEUE_SIZE && asm_in8(STATUS) & STATUS_RECEIVED; i++)
        asm_in8(DATA);
}

/* Precondition: both ports are off, so that what comes is the answer. */
static bool configure(void)
{
    if (!send(COMMAND, READ_CONFIG) || !wait_for(STATUS_RECEIVED, STATUS_RECEIVED))
        return false;
    uint8_t config = asm_in8(DATA) | CONFIG_INTERRUPT | CONFIG_TRANSLATE;
    config &= (uint8_t) ~(CONFIG_MOUSE_INTERRUPT | CONFIG_KEYS_OFF);
    return send(COMMAND, WRITE_CONFIG) && send(DATA, config);
}

bool ps2_init(void)
{
    if (asm_in8(STATUS) == STATUS_ABSENT || !send(COMMAND, KEYS_OFF) || !send(COMMAND, MOUSE_OFF))
        return false;
    empty_queue();
    present = configure() && send(COMMAND, KEYS_ON) && send(DATA, KEYBOARD_SEND_CODES);
    return present;
}

int ps2_get(void)
{
    if (!present)
        return -1;
    uint8_t status = asm_in8(STATUS);
    if (!(status & STATUS_RECEIVED))
        return -1;
    uint8_t code = asm_in8(DATA);
    return status & STATUS_MOUSE ? -1 : code;
}

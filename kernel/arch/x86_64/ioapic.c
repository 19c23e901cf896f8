/* SPDX-License-Identifier: MIT */
/* I/O APICs: an index and a data register, and behind them two words for each line. */
#include "kernel/arch/x86_64/ioapic.h"

#include <stddef.h>

#define IOAPICS_MAX 16

enum { INDEX = 0x00, DATA = 0x10 };    /* offsets of registers */
enum { VERSION = 0x01, LINES = 0x10 }; /* what is behind them */

#define ACTIVE_LOW 0x2000
#define LEVEL      0x8000
#define MASKED     0x10000

static struct {
    volatile uint32_t *registers;
    uint32_t first, count;
} ioapics[IOAPICS_MAX];
static size_t ioapic_count;

static uint32_t get(volatile uint32_t *registers, uint32_t index)
{
    registers[INDEX / 4] = index;
    return registers[DATA / 4];
}

static void set(volatile uint32_t *registers, uint32_t index, uint32_t value)
{
    registers[INDEX / 4] = index;
    registers[DATA / 4] = value;
}

void ioapic_add(volatile void *registers, uint32_t first)
{
    if (ioapic_count == IOAPICS_MAX)
        return;
    uint32_t count = (get(registers, VERSION) >> 16 & 0xff) + 1;
    for (uint32_t line = 0; line < count; line++)
        set(registers, LINES + 2 * line, MASKED);
    ioapics[ioapic_count].registers = registers;
    ioapics[ioapic_count].first = first;
    ioapics[ioapic_count++].count = count;
}

/* The destination first: the other word unmasks the line. */
bool ioapic_route(uint32_t global, struct ioapic_route route)
{
    uint32_t low = route.vector | (route.active_low ? ACTIVE_LOW : 0) | (route.level ? LEVEL : 0);
    for (size_t i = 0; i < ioapic_count; i++) {
        uint32_t line = global - ioapics[i].first;
        if (line >= ioapics[i].count)
            continue;
        set(ioapics[i].registers, LINES + 2 * line + 1, (uint32_t)route.apic_id << 24);
        set(ioapics[i].registers, LINES + 2 * line, low);
        return true;
    }
    return false;
}

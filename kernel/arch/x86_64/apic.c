/* SPDX-License-Identifier: MIT */
/* The local APIC's registers. */
#include "kernel/arch/x86_64/apic.h"

#include <stddef.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"

/* Offsets of registers, in bytes. */
enum {
    ID = 0x20,
    TASK_PRIORITY = 0x80,
    END_OF_INTERRUPT = 0xb0,
    SPURIOUS = 0xf0,
    ERROR_STATUS = 0x280,
    COMMAND_LOW = 0x300,
    COMMAND_HIGH = 0x310,
    LINE_TIMER = 0x320,
    LINE_0 = 0x350,
    LINE_1 = 0x360,
    LINE_ERROR = 0x370,
    TIMER_INITIAL = 0x380,
    TIMER_CURRENT = 0x390,
    TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE 0x100
#define LINE_MASKED     0x10000
#define LINE_NMI        0x400
#define TIMER_PERIODIC  0x20000
#define TIMER_BY_16     0x3

#define COMMAND_NMI     0x400
#define COMMAND_INIT    0x500
#define COMMAND_STARTUP 0x600
#define COMMAND_PENDING 0x1000
#define COMMAND_ASSERT  0x4000
#define COMMAND_OTHERS  0xc0000 /* all but this one, whatever the destination */

#define MSR_APIC_BASE 0x1b
#define BASE_X2APIC   0x400
#define BASE_ENABLED  0x800

#define SPINS 1000000 /* for a command to leave; it takes some microseconds at most */

static volatile uint32_t *registers;

static uint32_t get(unsigned offset)
{
    return registers[offset / 4];
}

static void set(unsigned offset, uint32_t value)
{
    registers[offset / 4] = value;
}

void apic_init(volatile void *where)
{
    registers = where;
}

bool apic_is_usable(void)
{
    return cpu.apic && (asm_read_msr(MSR_APIC_BASE) & (BASE_ENABLED | BASE_X2APIC)) == BASE_ENABLED;
}

bool apic_is_in_use(void)
{
    return registers != NULL;
}

void apic_enable(uint8_t error, uint8_t spurious)
{
    set(LINE_TIMER, LINE_MASKED);
    set(LINE_0, LINE_MASKED);
    set(LINE_1, LINE_NMI);
    set(LINE_ERROR, error);
    set(TASK_PRIORITY, 0);
    set(SPURIOUS, SPURIOUS_ENABLE | spurious);
    apic_take_errors();
    apic_end_of_interrupt(); /* of what the firmware may have left */
}

uint8_t apic_id(void)
{
    return (uint8_t)(get(ID) >> 24);
}

void apic_end_of_interrupt(void)
{
    set(END_OF_INTERRUPT, 0);
}

/* Writing it makes the errors since then readable. */
uint32_t apic_take_errors(void)
{
    set(ERROR_STATUS, 0);
    return get(ERROR_STATUS);
}

/* The two halves of a command belong together: no interrupt handler may send one in between. */
static void command(uint8_t id, uint32_t what)
{
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_off();
    for (unsigned spins = 0; get(COMMAND_LOW) & COMMAND_PENDING && spins < SPINS; spins++)
        asm_pause();
    set(COMMAND_HIGH, (uint32_t)id << 24);
    set(COMMAND_LOW, what);
    if (were_on)
        asm_interrupts_on();
}

void apic_send(uint8_t id, uint8_t vector)
{
    command(id, COMMAND_ASSERT | vector);
}

void apic_send_nmi(uint8_t id)
{
    command(id, COMMAND_ASSERT | COMMAND_NMI);
}

void apic_send_init(uint8_t id)
{
    command(id, COMMAND_ASSERT | COMMAND_INIT);
}

void apic_send_startup(uint8_t id, uint8_t page)
{
    command(id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}

void apic_send_nmi_to_others(void)
{
    command(0, COMMAND_OTHERS | COMMAND_ASSERT | COMMAND_NMI);
}

void apic_timer_start(uint8_t vector, uint32_t ticks)
{
    set(TIMER_DIVIDE, TIMER_BY_16);
    set(LINE_TIMER, (ticks == 0 ? LINE_MASKED : 0) | TIMER_PERIODIC | vector);
    set(TIMER_INITIAL, ticks);
}

uint32_t apic_timer_left(void)
{
    return get(TIMER_CURRENT);
}

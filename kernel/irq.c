/* SPDX-License-Identifier: MIT */
/* Interrupt controllers, found and put to work; handlers, called and counted. */
#include "kernel/arch/x86_64/percpu_heap.h"
#include "kernel/irq.h"

#include <stddef.h>

#include "kernel/acpi_madt.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/idle.h"
#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/pic.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"

#define CALIBRATION_TICKS 1000000 /* of the TSC, at least */

static struct {
    const char *name;
    irq_handler *handler;
} handlers[TRAP_VECTORS];

static bool by_apic;
static uint64_t timer_rate; /* ticks a second of each CPU's APIC timer */

/* What was spurious is not acknowledged. Lines raised meanwhile by a device that still wants
 * something come again, after this one. */
static void acknowledge(unsigned vector)
{
    if (by_apic && vector != IRQ_SPURIOUS)
        apic_end_of_interrupt();
    else if (!by_apic)
        pic_end_of_interrupt(vector - IRQ_ISA);
}

static void dispatch(struct trap_frame *frame)
{
    struct percpu *this = percpu_this();
    unsigned vector = (unsigned)frame->vector;
    idle_wake(this);
    percpu_enter_interrupt(this);
    this->irqs[vector - IRQ_FIRST]++;
    acknowledge(vector);
    if (handlers[vector].handler != NULL)
        handlers[vector].handler(frame);
    percpu_leave_interrupt(this);
}

irq_handler *irq_handle(unsigned vector, const char *name, irq_handler *handler)
{
    irq_handler *before = handlers[vector].handler;
    handlers[vector].name = name;
    handlers[vector].handler = handler;
    return before;
}

uint64_t irq_count(const struct percpu *area, unsigned vector)
{
    return area->irqs[vector - IRQ_FIRST];
}

const char *irq_name(unsigned vector)
{
    return handlers[vector].name;
}

static void take_input(struct trap_frame *frame)
{
    (void)frame;
    console_take_input();
}

static void tell_error(struct trap_frame *frame)
{
    (void)frame;
    log_print("apic", "CPU %u: interrupt errors 0x%x", cpu_id(), apic_take_errors());
}

/* The APICs */

static volatile void *registers_at(uint64_t phys, uint64_t bytes)
{
    return kspace_map_device((phys_t){phys}, bytes, PAGE_UNCACHED);
}

static bool start_local_apic(const struct madt *madt)
{
    volatile void *registers = registers_at(madt->local_apic, APIC_BYTES);
    if (!apic_is_usable() || registers == NULL)
        return false;
    apic_init(registers);
    return true;
}

static void route(const struct madt *madt, unsigned line)
{
    const struct madt_line *where = &madt->isa[line];
    struct ioapic_route route = {.vector = (uint8_t)(IRQ_ISA + line),
                                 .apic_id = apic_id(),
                                 .active_low = where->active_low,
                                 .level = where->level};
    if (!ioapic_route(where->global, route))
        log_print("irq", "no I/O APIC has the line %u", line);
}

/* The APIC timer's ticks beside those of the TSC, over the same time, whatever that is. */
static void calibrate_timer(void)
{
    apic_timer_start(IRQ_TIMER, UINT32_MAX);
    uint64_t start = asm_read_tsc(), wanted = tsc_rate(), passed;
    uint32_t first = apic_timer_left();
    if (wanted < CALIBRATION_TICKS)
        wanted = CALIBRATION_TICKS;
    do {
        asm_pause();
        passed = asm_read_tsc() - start;
    } while (passed < wanted);
    uint64_t ticks = first - apic_timer_left();
    passed = asm_read_tsc() - start;
    apic_timer_start(IRQ_TIMER, 0);
    timer_rate = ticks * tsc_rate() / passed * 1000;
}

static void start_ioapics(const struct madt *madt)
{
    for (size_t i = 0; i < madt->ioapic_count; i++) {
        volatile void *registers = registers_at(madt->ioapic[i].phys, IOAPIC_BYTES);
        if (registers != NULL)
            ioapic_add(registers, madt->ioapic[i].first);
    }
    route(madt, IRQ_LINE_KEYBOARD);
    route(madt, IRQ_LINE_COM1);
}

void irq_init_cpu(void)
{
    apic_enable(IRQ_ERROR, IRQ_SPURIOUS);
}

void irq_timer_start(unsigned a_second)
{
    uint64_t ticks = a_second == 0 ? 0 : timer_rate / a_second;
    if (by_apic)
        apic_timer_start(IRQ_TIMER, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}

bool irq_init(const struct madt *madt)
{
    for (unsigned vector = IRQ_FIRST; vector < TRAP_VECTORS; vector++)
        trap_handle(vector, dispatch);
    irq_handle(IRQ_ISA + IRQ_LINE_TIMER, "PIT", take_input);
    irq_handle(IRQ_ISA + IRQ_LINE_KEYBOARD, "keyboard", take_input);
    irq_handle(IRQ_ISA + IRQ_LINE_COM1, "serial line", take_input);
    irq_handle(IRQ_TIMER, "timer", take_input);
    irq_handle(IRQ_ERROR, "APIC error", tell_error);
    irq_handle(IRQ_SPURIOUS, "spurious", NULL);
    by_apic = madt != NULL && start_local_apic(madt);
    if (!by_apic) {
        pic_enable(1 << IRQ_LINE_TIMER | 1 << IRQ_LINE_KEYBOARD | 1 << IRQ_LINE_COM1);
        return false;
    }
    irq_init_cpu();
    calibrate_timer();
    start_ioapics(madt);
    return true;
}

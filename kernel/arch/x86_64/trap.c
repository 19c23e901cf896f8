/* SPDX-License-Identifier: MIT */
/* The interrupt descriptor table and the dispatch. (Intel SDM vol. 3A, 6.14.) */
#include "kernel/arch/x86_64/trap.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/gdt.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/stack.h"

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;  /* 0: stay on the current stack */
    uint8_t type; /* 0x8e: present, ring 0, interrupts off */
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

_Static_assert(sizeof(struct gate) == 16, "as the CPU reads it");

SEALED static struct gate idt[TRAP_VECTORS];

/* Read by trap_entry.S: this CPU knows the instruction clac. */
extern bool trap_clears_ac;
SEALED bool trap_clears_ac;

static trap_handler *handlers[TRAP_VECTORS];

/* trap_entry.S: TRAP_VECTORS entries of 16 bytes each. */
extern const char trap_entries[];

/* Called by trap_entry.S. */
void trap_dispatch(struct trap_frame *frame);
void trap_dispatch(struct trap_frame *frame)
{
    trap_handler *handler = handlers[frame->vector];
    if (handler != NULL)
        handler(frame);
}

trap_handler *trap_handle(unsigned vector, trap_handler *handler)
{
    trap_handler *before = handlers[vector];
    handlers[vector] = handler;
    return before;
}

static void set_gate(unsigned vector, uint8_t ist)
{
    uint64_t entry = (uintptr_t)trap_entries + (uint64_t)16 * vector;
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = GDT_KERNEL_CODE,
        .ist = ist,
        .type = 0x8e,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

void trap_init(void)
{
    trap_clears_ac = cpu.smap;
    for (unsigned vector = 0; vector < TRAP_VECTORS; vector++)
        set_gate(vector, 0);
    set_gate(TRAP_DOUBLE_FAULT, STACK_DOUBLE_FAULT);
    set_gate(TRAP_NMI, STACK_NMI);
    set_gate(TRAP_MACHINE_CHECK, STACK_MACHINE_CHECK);
    trap_load();
}

void trap_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) descriptor = {sizeof idt - 1, (uintptr_t)idt};
    __asm__ volatile("lidt %0" : : "m"(descriptor));
}

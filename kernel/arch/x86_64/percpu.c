/* SPDX-License-Identifier: MIT */
/* The areas of all CPUs, by number. */
#include "kernel/arch/x86_64/percpu.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/canary.h"
#include "kernel/arch/x86_64/stack.h"

#define MSR_GS_BASE 0xc0000101

struct percpu percpu_boot = {.self = &percpu_boot, .state = CPU_ONLINE};

static struct percpu *areas[CPU_MAX] = {&percpu_boot};
static unsigned count = 1;

struct percpu *percpu_get(unsigned id)
{
    return id < count ? areas[id] : NULL;
}

unsigned percpu_count(void)
{
    return count;
}

void percpu_add(struct percpu *area, uint32_t apic_id)
{
    area->self = area;
    area->id = count;
    area->apic_id = apic_id;
    area->canary = canary_new();
    areas[count++] = area;
    area->stack_top = stack_get(area->id, STACK_MAIN).high;
}

void percpu_remove_last(void)
{
    areas[--count] = NULL;
}

void percpu_load(struct percpu *area)
{
    asm_write_msr(MSR_GS_BASE, (uintptr_t)area);
}

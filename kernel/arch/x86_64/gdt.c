/* SPDX-License-Identifier: MIT */
/* The GDT, one for all CPUs, with a TSS for each. (Intel SDM vol. 3A, 3.4.5 and 8.7.) */
#include "kernel/arch/x86_64/gdt.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/stack.h"

#define FIRST_TSS 5 /* in entries; each takes two */

/* Present, accessed, 64-bit. The order of the user segments is what sysret expects. */
#define CODE(ring) (0x00209b0000000000 | (uint64_t)(ring) << 45)
#define DATA(ring) (0x0000930000000000 | (uint64_t)(ring) << 45)

/* Sealed once every CPU has loaded its TSS, which marks the descriptor as busy. */
SEALED static uint64_t gdt[FIRST_TSS + 2 * CPU_MAX] = {0, CODE(0), DATA(0), DATA(3), CODE(3)};

struct pseudo_descriptor {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static unsigned tss_entry(unsigned cpu)
{
    return FIRST_TSS + 2 * cpu;
}

static void describe_tss(const struct percpu *area)
{
    uint64_t base = (uintptr_t)&area->tss, limit = sizeof area->tss - 1, available = 0x89;
    uint64_t *entry = &gdt[tss_entry(area->id)];
    entry[0] = limit | (base & 0xffffff) << 16 | available << 40 | (base >> 24 & 0xff) << 56;
    entry[1] = base >> 32;
}

static void load_segments(uint16_t tss_selector)
{
    struct pseudo_descriptor descriptor = {sizeof gdt - 1, (uintptr_t)gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs\n\t"
                     "ltr %3"
                     :
                     : "m"(descriptor), "i"(GDT_KERNEL_CODE), "i"(GDT_KERNEL_DATA),
                       "r"(tss_selector)
                     : "rax", "memory");
}

/* On some CPUs loading a selector into gs clears its base. */
void gdt_load(struct percpu *area)
{
    area->tss.io_map = sizeof area->tss;
    for (unsigned kind = STACK_DOUBLE_FAULT; kind < STACK_KINDS; kind++)
        area->tss.ist[kind - 1] = stack_arm(area->id, kind);
    describe_tss(area);
    load_segments((uint16_t)(tss_entry(area->id) * sizeof gdt[0]));
    percpu_load(area);
}

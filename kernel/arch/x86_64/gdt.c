/* SPDX-License-Identifier: MIT */
/* The GDT and the TSS. (Intel SDM vol. 3A, 3.4.5 and 8.7.) */
#include "kernel/arch/x86_64/gdt.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/stack.h"

#define GDT_TSS 0x28

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* ist[i] is called IST i + 1 */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map; /* beyond the limit: no port is allowed in ring 3 */
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "as the CPU reads it");

/* Present, accessed, 64-bit. The order of the user segments is what sysret expects. */
#define CODE(ring) (0x00209b0000000000 | (uint64_t)(ring) << 45)
#define DATA(ring) (0x0000930000000000 | (uint64_t)(ring) << 45)

static struct tss tss;
static uint64_t gdt[] = {0, CODE(0), DATA(0), DATA(3), CODE(3), 0, 0 /* TSS: two words */};

struct pseudo_descriptor {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void describe_tss(void)
{
    uint64_t base = (uintptr_t)&tss, limit = sizeof tss - 1, available = 0x89;
    gdt[GDT_TSS / 8] =
        limit | (base & 0xffffff) << 16 | available << 40 | (base >> 24 & 0xff) << 56;
    gdt[GDT_TSS / 8 + 1] = base >> 32;
}

void gdt_init(void)
{
    tss.io_map = sizeof tss;
    for (unsigned i = STACK_DOUBLE_FAULT; i < STACK_IST_END; i++)
        tss.ist[i - 1] = stack_get(i).high;
    describe_tss();

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
                     "movl %3, %%eax\n\t"
                     "ltr %%ax"
                     :
                     : "m"(descriptor), "i"(GDT_KERNEL_CODE), "i"(GDT_KERNEL_DATA), "i"(GDT_TSS)
                     : "rax", "memory");
}

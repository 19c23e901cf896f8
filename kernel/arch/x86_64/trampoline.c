/* SPDX-License-Identifier: MIT */
/* The settings that trampoline.S finds in its page. */
#include "kernel/arch/x86_64/trampoline.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/percpu.h"
#include "lib/string.h"

#define EFER_LME 0x100
#define EFER_NXE 0x800

struct settings {
    uint32_t cr0, cr3, efer;
    uint16_t gdt_limit;
    uint32_t gdt_base;
    uint32_t far_offset;
    uint16_t far_segment;
} __attribute__((packed));

extern const char trampoline_start[], trampoline_settings[], trampoline_end[];

/* Read by trampoline.S. By APIC id. */
extern struct percpu *trampoline_areas[256];
struct percpu *trampoline_areas[256];

void trampoline_expect(uint8_t apic_id, struct percpu *area)
{
    trampoline_areas[apic_id] = area;
}

void trampoline_fill(void *page, frame_t frame, phys_t root)
{
    uint32_t here = (uint32_t)phys_of_frame(frame).addr;
    memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    struct settings *settings =
        (struct settings *)((char *)page + (trampoline_settings - trampoline_start));
    settings->cr0 = (uint32_t)asm_read_cr0();
    settings->cr3 = (uint32_t)root.addr;
    settings->efer = EFER_LME | (cpu.nx ? EFER_NXE : 0);
    settings->gdt_base += here;
    settings->far_offset += here;
}

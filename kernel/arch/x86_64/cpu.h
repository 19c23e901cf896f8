/* SPDX-License-Identifier: MIT */
/* What the CPUs are and can do, by CPUID, and the control bits that the kernel relies on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu {
    char vendor[13];
    char brand[49];
    unsigned family, model, stepping;
    unsigned physical_bits, virtual_bits; /* address widths */
    unsigned levels;                      /* of page tables, as the boot left them: 4 or 5 */
    bool apic, machine_check, nx, gib_pages, global_pages, pat, smep, smap, umip, la57, rdrand;
    bool hypervisor; /* runs inside an emulator or virtual machine */
};

extern struct cpu cpu;

/* Fills `cpu`, on the boot CPU: the others are taken to be equal. */
void cpu_identify(void);

/* On each CPU: turns on write protection in ring 0 and, where the CPU has them, machine checks
 * (without which one resets the machine), no-execute, global and write-combining pages, and the
 * borders to ring 3: SMEP, SMAP, UMIP. A feature is never turned on without its CPUID bit. */
void cpu_enable(void);

/* Which protections are on, on this CPU. */
struct cpu_protections {
    bool nx;            /* pages can be made not executable */
    bool write_protect; /* ring 0 respects read-only pages, too */
    bool smep;          /* ring 0 executes no user page */
    bool smap; /* ring 0 touches no user page, but between asm_user_access_begin and _end */
    bool umip; /* ring 3 cannot ask where the kernel's tables are */
};
struct cpu_protections cpu_protections(void);

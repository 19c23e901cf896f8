/* SPDX-License-Identifier: MIT */
/* CPU identification and control bits. (Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.) */
#include "kernel/arch/x86_64/cpu.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/image.h"
#include "lib/string.h"

#define CR0_WP       ((uint64_t)1 << 16)
#define CR4_MCE      ((uint64_t)1 << 6)
#define CR4_PGE      ((uint64_t)1 << 7)
#define CR4_UMIP     ((uint64_t)1 << 11)
#define CR4_LA57     ((uint64_t)1 << 12)
#define CR4_FSGSBASE ((uint64_t)1 << 16)
#define CR4_SMEP     ((uint64_t)1 << 20)
#define CR4_SMAP     ((uint64_t)1 << 21)
#define CR4_CET      ((uint64_t)1 << 23)
#define MSR_EFER     0xc0000080
#define EFER_NXE     ((uint64_t)1 << 11)

/* What firmware may have left on: user programs could make the base of their gs look like the
 * kernel's, and the kernel's returns would be compared with a shadow stack that it does not keep.
 */
#define CR4_UNWANTED (CR4_FSGSBASE | CR4_CET)

/* The page attribute table: the memory type of each combination of PAT, PCD and PWT, a byte each.
 * Entry 1, PWT alone, is write-through at reset, which nobody needs. (Intel SDM vol. 3A, 12.12) */
#define MSR_PAT             0x277
#define PAT_ENTRY1          ((uint64_t)0xff << 8)
#define PAT_WRITE_COMBINING ((uint64_t)0x01 << 8)

SEALED struct cpu cpu;

static bool bit(uint32_t word, unsigned index)
{
    return word >> index & 1;
}

static void identify(void)
{
    struct asm_cpuid leaf = asm_cpuid(0, 0);
    memcpy(cpu.vendor, &leaf.b, 4);
    memcpy(cpu.vendor + 4, &leaf.d, 4);
    memcpy(cpu.vendor + 8, &leaf.c, 4);

    uint32_t signature = asm_cpuid(1, 0).a;
    cpu.stepping = signature & 15;
    cpu.family = signature >> 8 & 15;
    cpu.model = signature >> 4 & 15;
    if (cpu.family == 6 || cpu.family == 15)
        cpu.model |= signature >> 12 & 0xf0;
    if (cpu.family == 15)
        cpu.family += signature >> 20 & 0xff;
}

static void read_brand(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        struct asm_cpuid leaf = asm_cpuid(0x80000002 + i, 0);
        memcpy(cpu.brand + (size_t)16 * i, &leaf, 16);
    }
}

static void read_features(void)
{
    uint32_t basic = asm_cpuid(0, 0).a, extended = asm_cpuid(0x80000000, 0).a;
    struct asm_cpuid leaf = asm_cpuid(1, 0);
    cpu.machine_check = bit(leaf.d, 7);
    cpu.apic = bit(leaf.d, 9);
    cpu.global_pages = bit(leaf.d, 13);
    cpu.pat = bit(leaf.d, 16);
    cpu.rdrand = bit(leaf.c, 30);
    cpu.hypervisor = bit(leaf.c, 31);
    if (basic >= 7) {
        leaf = asm_cpuid(7, 0);
        cpu.smep = bit(leaf.b, 7);
        cpu.smap = bit(leaf.b, 20);
        cpu.umip = bit(leaf.c, 2);
        cpu.la57 = bit(leaf.c, 16);
    }
    leaf = asm_cpuid(0x80000001, 0);
    cpu.nx = bit(leaf.d, 20);
    cpu.gib_pages = bit(leaf.d, 26);
    if (extended >= 0x80000004)
        read_brand();
    cpu.physical_bits = 36;
    cpu.virtual_bits = 48;
    if (extended >= 0x80000008) {
        leaf = asm_cpuid(0x80000008, 0);
        cpu.physical_bits = leaf.a & 0xff;
        cpu.virtual_bits = leaf.a >> 8 & 0xff;
    }
}

void cpu_identify(void)
{
    identify();
    read_features();
    cpu.levels = (asm_read_cr4() & CR4_LA57) != 0 ? 5 : 4;
}

/* The bits of CR4 that are to be on. */
static uint64_t wanted_cr4(void)
{
    return (cpu.machine_check ? CR4_MCE : 0) | (cpu.global_pages ? CR4_PGE : 0) |
           (cpu.umip ? CR4_UMIP : 0) | (cpu.smep ? CR4_SMEP : 0) | (cpu.smap ? CR4_SMAP : 0);
}

void cpu_enable(void)
{
    asm_write_cr0(asm_read_cr0() | CR0_WP);
    asm_write_cr4((asm_read_cr4() & ~CR4_UNWANTED) | wanted_cr4());
    if (cpu.smap)
        asm_user_access_end();
    if (cpu.nx)
        asm_write_msr(MSR_EFER, asm_read_msr(MSR_EFER) | EFER_NXE);
    if (cpu.pat)
        asm_write_msr(MSR_PAT, (asm_read_msr(MSR_PAT) & ~PAT_ENTRY1) | PAT_WRITE_COMBINING);
}

struct cpu_protections cpu_protections(void)
{
    uint64_t cr4 = asm_read_cr4();
    return (struct cpu_protections){
        .nx = cpu.nx && (asm_read_msr(MSR_EFER) & EFER_NXE) != 0,
        .write_protect = (asm_read_cr0() & CR0_WP) != 0,
        .smep = (cr4 & CR4_SMEP) != 0,
        .smap = (cr4 & CR4_SMAP) != 0,
        .umip = (cr4 & CR4_UMIP) != 0,
    };
}

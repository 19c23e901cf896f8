/* SPDX-License-Identifier: MIT */
/* The instructions that C has no words for, one inline function each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline void asm_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void asm_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void asm_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t asm_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t asm_read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void asm_write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t asm_read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void asm_write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

/* The address of the last page fault. */
static inline uint64_t asm_read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t asm_read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void asm_write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t asm_read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void asm_write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline void asm_invlpg(uintptr_t virt)
{
    __asm__ volatile("invlpg (%0)" : : "r"(virt) : "memory");
}

struct asm_cpuid {
    uint32_t a, b, c, d;
};

static inline struct asm_cpuid asm_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct asm_cpuid out;
    __asm__ volatile("cpuid"
                     : "=a"(out.a), "=b"(out.b), "=c"(out.c), "=d"(out.d)
                     : "a"(leaf), "c"(subleaf));
    return out;
}

/* The time stamp counter, read after everything before it has been executed. */
static inline uint64_t asm_read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Does this CPU take interrupts? */
static inline bool asm_interrupts_are_on(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return flags >> 9 & 1;
}

static inline void asm_interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void asm_interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/* In between ring 0 may touch user pages (EFLAGS.AC). Only on a CPU with SMAP. */
static inline void asm_user_access_begin(void)
{
    __asm__ volatile("stac" : : : "memory");
}

static inline void asm_user_access_end(void)
{
    __asm__ volatile("clac" : : : "memory");
}

/* A random number of the CPU's; false if it has none at the moment. Only with RDRAND. */
static inline bool asm_random(uint64_t *value)
{
    bool there;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(there));
    return there;
}

/* For loops that wait: lets the other half of the core, or the emulator, get on. */
static inline void asm_pause(void)
{
    __asm__ volatile("pause");
}

/* With interrupts off: lets them in, sleeps until one has been handled, and shuts them out again.
 * None can slip in between letting in and sleeping. */
static inline void asm_wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Stops this CPU for good. */
static inline _Noreturn void asm_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" : : : "memory");
}

/* SPDX-License-Identifier: MIT */
/* Making canaries. (Cowan et al., StackGuard, 1998.) */
#include "kernel/arch/x86_64/canary.h"

#include <stdbool.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"

#define CPUID_RDRAND ((uint32_t)1 << 30) /* leaf 1, ecx */
#define TRIES        10                  /* as Intel recommends (SDM vol. 1, 7.3.17.1) */
#define JITTERS      16

/* Each bit of the result depends on each of the argument. (Steele, Lea, Flood, 2014: SplitMix64) */
static uint64_t mix(uint64_t word)
{
    word += 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

static uint64_t jitter(void)
{
    uint64_t pool = 0;
    for (unsigned i = 0; i < JITTERS; i++)
        pool = mix(pool ^ asm_read_tsc());
    return pool;
}

/* cpu.rdrand is not known yet when the first canary is made. */
uint64_t canary_new(void)
{
    uint64_t random = 0;
    bool is_there = false;
    if (asm_cpuid(1, 0).c & CPUID_RDRAND)
        for (unsigned i = 0; i < TRIES && !is_there; i++)
            is_there = asm_random(&random);
    return mix(random ^ jitter()) & ~(uint64_t)0xff;
}

/* Returning changes nothing here: it has no array, hence no canary of its own. */
void canary_start(void)
{
    percpu_boot.canary = canary_new();
}

/* SPDX-License-Identifier: MIT */
/*
 * The kernel's stacks: of each kind one for each CPU. Each lies behind a guard that the kernel's
 * own page tables leave out: running over its end faults instead of eating what lies below. The
 * boot CPU's are part of the kernel image, those of the others have a window of their own:
 *
 *     CPU 1, main          CPU 1, double fault                      CPU 2, main
 *     guard     stack      guard     stack                          guard     stack
 *   +---------+---------+---------+---------+-- NMI, machine check --+---------+---------+--
 */
#pragma once

#define STACK_GUARD_SIZE 4096
#define STACK_SIZE       16384

#define STACK_CANARY_SIZE 16 /* of which the canary is the first half: the CPU aligns to 16 */

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The main stack, and those for exceptions that must not trust the current one; also the numbers of
 * these in the TSS. */
enum stack_kind { STACK_MAIN, STACK_DOUBLE_FAULT, STACK_NMI, STACK_MACHINE_CHECK, STACK_KINDS };

/* Half-open: the guard is [low - STACK_GUARD_SIZE, low), the stack [low, high). */
struct stack {
    const char *name;
    unsigned cpu;
    uintptr_t low;
    uintptr_t high;
};

/* Puts a new canary at the end of a stack for exceptions, where trap_entry.S finds it, and returns
 * where the CPU is to begin pushing. */
uintptr_t stack_arm(unsigned cpu, enum stack_kind kind);

/* Precondition: `cpu` has an area (percpu.h). */
struct stack stack_get(unsigned cpu, enum stack_kind kind);

/* Finds the stack, guard included, that `address` lies in. False if it lies in none. */
bool stack_find(uintptr_t address, struct stack *stack);

#endif

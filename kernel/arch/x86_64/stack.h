/* SPDX-License-Identifier: MIT */
/*
 * The kernel's stacks. Each lies in the kernel image behind a guard page that the kernel's own page
 * tables leave out: running over its end faults instead of eating what lies below.
 */
#pragma once

#define STACK_GUARD_SIZE 4096
#define STACK_SIZE       16384

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stacks for exceptions that must not trust the current one; also their numbers in the TSS. */
enum stack_ist { STACK_DOUBLE_FAULT = 1, STACK_NMI, STACK_MACHINE_CHECK, STACK_IST_END };

/* Half-open: the guard is [low - STACK_GUARD_SIZE, low), the stack [low, high). */
struct stack {
    const char *name;
    uintptr_t low;
    uintptr_t high;
};

/* The boot stack is number 0, the others have their enum stack_ist. */
#define STACK_COUNT STACK_IST_END
struct stack stack_get(unsigned number);

/* Finds the stack, guard included, that `address` lies in. False if it lies in none. */
bool stack_find(uintptr_t address, struct stack *stack);

#endif

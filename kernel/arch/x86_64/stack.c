/* SPDX-License-Identifier: MIT */
/* The memory of the kernel's stacks, and finding out which of them an address belongs to. */
#include "kernel/arch/x86_64/stack.h"

struct stack_memory {
    char guard[STACK_GUARD_SIZE];
    char stack[STACK_SIZE];
} __attribute__((aligned(4096)));

/* entry.S starts at the end of the first. */
extern struct stack_memory stack_memory[STACK_COUNT];
__attribute__((section(".bss.stacks"))) struct stack_memory stack_memory[STACK_COUNT];

static const char *const names[STACK_COUNT] = {
    "boot",
    [STACK_DOUBLE_FAULT] = "double fault",
    [STACK_NMI] = "NMI",
    [STACK_MACHINE_CHECK] = "machine check",
};

struct stack stack_get(unsigned number)
{
    uintptr_t low = (uintptr_t)stack_memory[number].stack;
    return (struct stack){names[number], low, low + STACK_SIZE};
}

bool stack_find(uintptr_t address, struct stack *stack)
{
    for (unsigned i = 0; i < STACK_COUNT; i++) {
        *stack = stack_get(i);
        if (address >= stack->low - STACK_GUARD_SIZE && address < stack->high)
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* Where the kernel's stacks are, and finding out which of them an address belongs to. */
#include "kernel/arch/x86_64/stack.h"

#include "kernel/arch/x86_64/canary.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/memlayout.h"

struct stack_memory {
    char guard[STACK_GUARD_SIZE];
    char stack[STACK_SIZE];
} __attribute__((aligned(4096)));

/* The boot CPU's. entry.S starts at the end of the first. */
extern struct stack_memory stack_memory[STACK_KINDS];
__attribute__((section(".bss.stacks"))) struct stack_memory stack_memory[STACK_KINDS];

static const char *const names[STACK_KINDS] = {
    "boot",
    [STACK_DOUBLE_FAULT] = "double fault",
    [STACK_NMI] = "NMI",
    [STACK_MACHINE_CHECK] = "machine check",
};

/* The others'. */
#define WINDOW ((struct stack_memory *)MEMLAYOUT_STACKS_START)

_Static_assert(sizeof(struct stack_memory[CPU_MAX][STACK_KINDS]) <=
                   MEMLAYOUT_STACKS_END - MEMLAYOUT_STACKS_START,
               "the window of stacks has room for all CPUs");

struct stack stack_get(unsigned cpu, enum stack_kind kind)
{
    const struct stack_memory *memory =
        cpu == 0 ? &stack_memory[kind] : &WINDOW[(cpu - 1) * STACK_KINDS + kind];
    const char *name = cpu != 0 && kind == STACK_MAIN ? "main" : names[kind];
    uintptr_t low = (uintptr_t)memory->stack;
    return (struct stack){name, cpu, low, low + STACK_SIZE};
}

uintptr_t stack_arm(unsigned cpu, enum stack_kind kind)
{
    uintptr_t start = stack_get(cpu, kind).high - STACK_CANARY_SIZE;
    *(uint64_t *)start = canary_new();
    return start;
}

bool stack_find(uintptr_t address, struct stack *stack)
{
    size_t index = (address - (uintptr_t)stack_memory) / sizeof(struct stack_memory);
    if (index < STACK_KINDS) {
        *stack = stack_get(0, index);
        return true;
    }
    index = (address - (uintptr_t)WINDOW) / sizeof(struct stack_memory);
    if (index >= (size_t)STACK_KINDS * (percpu_count() - 1))
        return false;
    *stack = stack_get((unsigned)(index / STACK_KINDS) + 1, index % STACK_KINDS);
    return true;
}

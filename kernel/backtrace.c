/* SPDX-License-Identifier: MIT */
/* Backtraces by frame pointers: [rbp] is the caller's rbp, [rbp + 8] the return address. */
#include "kernel/backtrace.h"

#include "kernel/arch/x86_64/stack.h"
#include "kernel/console.h"
#include "kernel/symbols.h"
#include "lib/bits.h"

#define DEPTH_MAX 32

void backtrace_print_address(uintptr_t address)
{
    uint64_t offset;
    const char *name = symbols_find(address, &offset);
    if (name != NULL)
        console_print("0x%lx %s+0x%lx", address, name, offset);
    else
        console_print("0x%lx", address);
}

/* True iff a frame, two words, can be read at `rbp`. */
static bool is_frame(uintptr_t rbp, struct stack *stack)
{
    return bits_is_aligned(rbp, 8) && stack_find(rbp, stack) && rbp >= stack->low &&
           rbp + 16 <= stack->high;
}

void backtrace_print(uintptr_t rbp)
{
    struct stack stack;
    for (unsigned depth = 0; depth < DEPTH_MAX && is_frame(rbp, &stack); depth++) {
        const uintptr_t *frame = (const uintptr_t *)rbp;
        if (frame[1] == 0)
            return;
        console_print("  called from ");
        /* The address before the return address belongs to the call, even if that is the last
         * instruction of its function. */
        backtrace_print_address(frame[1] - 1);
        console_print("\n");
        if (frame[0] <= rbp)
            return;
        rbp = frame[0];
    }
}

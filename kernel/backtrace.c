/* SPDX-License-Identifier: MIT */
/* Backtraces by frame pointers: [rbp] is the caller's rbp, [rbp + 8] the return address. */
#include "kernel/backtrace.h"

#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/console.h"
#include "kernel/symbols.h"
#include "lib/bits.h"
#include "lib/string.h"

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

static void print_caller(uintptr_t return_address)
{
    console_print("  called from ");
    /* The address before the return address belongs to the call, even if that is the last
     * instruction of its function. */
    backtrace_print_address(return_address - 1);
    console_print("\n");
}

void backtrace_print(uintptr_t rbp)
{
    struct stack stack;
    for (unsigned depth = 0; depth < DEPTH_MAX && is_frame(rbp, &stack); depth++) {
        const uintptr_t *frame = (const uintptr_t *)rbp;
        if (frame[1] == 0)
            return;
        print_caller(frame[1]);
        if (frame[0] <= rbp)
            return;
        rbp = frame[0];
    }
}

/* push %rbp; mov %rsp, %rbp: true iff the function that holds `rip` has executed these. Functions
 * that call nobody often do without. */
static bool has_frame(uintptr_t rip)
{
    static const unsigned char prologue[] = {0x55, 0x48, 0x89, 0xe5};
    uint64_t offset;
    if (symbols_find(rip, &offset) == NULL)
        return false;
    const unsigned char *code = (const unsigned char *)(rip - offset);
    for (uint64_t at = 0; at + sizeof prologue <= offset; at++)
        if (memcmp(code + at, prologue, sizeof prologue) == 0)
            return true;
    return false;
}

void backtrace_print_interrupted(uintptr_t rip, uintptr_t rsp, uintptr_t rbp)
{
    struct stack stack;
    if (!has_frame(rip) && is_frame(rsp, &stack)) {
        uintptr_t top = *(const uintptr_t *)rsp;
        if (image_is_text(top))
            print_caller(top);
    }
    backtrace_print(rbp);
}

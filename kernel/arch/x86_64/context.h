/* SPDX-License-Identifier: MIT */
/*
 * Coming back: context_save() remembers where it is called, and context_restore() returns there a
 * second time, from anywhere deeper on any stack, a fault handler included.
 */
#pragma once

#include <stdint.h>

/* What a called function must preserve, the stack pointer behind the return, and where to return.
 */
struct context {
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
    uint64_t canary; /* of the stack; see canary.h */
};

/* Returns 0 at first, and `value` (not 0) each time that the context is restored. The function that
 * calls it must not have returned by then. */
int context_save(struct context *context) __attribute__((returns_twice));
_Noreturn void context_restore(const struct context *context, int value);

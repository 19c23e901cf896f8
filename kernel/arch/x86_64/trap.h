/* SPDX-License-Identifier: MIT */
/*
 * Traps: exceptions and interrupts, from the CPU's vector to a C handler that somebody registered.
 * This layer knows no policy; kernel/fault.c has it for exceptions.
 */
#pragma once

#include <stdint.h>

#define TRAP_VECTORS    256
#define TRAP_EXCEPTIONS 32 /* vectors 0 to 31 */

enum trap_exception {
    TRAP_DIVIDE = 0,
    TRAP_NMI = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_INVALID_OPCODE = 6,
    TRAP_DOUBLE_FAULT = 8,
    TRAP_PROTECTION = 13,
    TRAP_PAGE_FAULT = 14,
    TRAP_MACHINE_CHECK = 18,
};

/* The interrupted registers, as trap_entry.S pushes them. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error; /* 0 where the CPU pushes none */
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct trap_frame) == 22 * 8, "as trap_entry.S believes");

/* Runs with interrupts off. Returning resumes what was interrupted, with the frame's registers. */
typedef void trap_handler(struct trap_frame *frame);

/* Fills the IDT: every vector is caught; double fault, NMI and machine check have stacks of their
 * own. Vectors without a handler are ignored. */
void trap_init(void);

/* Loads it, on this CPU. */
void trap_load(void);

/* Returns the handler that there was, or NULL. */
trap_handler *trap_handle(unsigned vector, trap_handler *handler);

/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: reported with cause, address, registers and backtrace, and the end of the kernel,
 * unless somebody expected them. Whoever touches an address that may be bad, or provokes a fault in
 * a test, does so inside fault_try().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAULT_PANIC 256 /* the vector of what is no exception but a call of panic() */

/* What ended a function that was tried. */
struct fault {
    unsigned vector;  /* enum trap_exception, or FAULT_PANIC */
    uint64_t error;   /* error code */
    uint64_t address; /* of a page fault: the address that was touched */
    uint64_t rip;
    char reason[160]; /* a sentence, without a newline */
};

struct trap_frame;

/* Takes over the exceptions: fault_handle() handles them. */
void fault_init(void);
void fault_handle(struct trap_frame *frame);

/* Calls function(argument). Returns true if it returned, or false with `fault` filled if it faulted
 * or panicked; it is abandoned at that point. Nests. */
bool fault_try(void (*function)(void *), void *argument, struct fault *fault);

/* For panic(): if something is being tried, ends it with this reason and does not return. */
void fault_deliver_panic(const char *reason, uintptr_t caller);

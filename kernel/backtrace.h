/* SPDX-License-Identifier: MIT */
/* Who called whom: walks the chain of frame pointers and prints a name for each return address. */
#pragma once

#include <stdint.h>

/* Prints the address, and "function+0x12" behind it if it lies in one. */
void backtrace_print_address(uintptr_t address);

/* Prints the callers from frame pointer `rbp` up. Reads nothing but known stacks, so that a broken
 * chain ends the list and does no harm. */
void backtrace_print(uintptr_t rbp);

/* The same for code that was interrupted at `rip`: it may have no frame of its own yet, or never.
 */
void backtrace_print_interrupted(uintptr_t rip, uintptr_t rsp, uintptr_t rbp);

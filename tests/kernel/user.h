/* SPDX-License-Identifier: MIT */
/*
 * Ring 3 for tests: a page of code and one of stack in the lower half of the kernel's own tables,
 * entered by iretq and left by an exception. There is no other way out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/fault.h"

#define USER_CODE  ((uintptr_t)0x400000)
#define USER_STACK ((uintptr_t)0x401000)

/* Maps both pages, which ring 3 may execute and write, respectively, and copies [start, end) to the
 * first. Fails the running test if there is no memory. */
void user_map(const char *start, const char *end);
void user_unmap(void);

/* Runs what user_map() copied, with `argument` in rdi and rsp at the end of the stack. Returns how
 * it ended. */
struct fault user_run(uintptr_t argument);

/* SPDX-License-Identifier: MIT */
/*
 * The kernel's break: one region of zeroed memory that grows and shrinks at its end, as sbrk does
 * for a process. The heap's arena; a second one like it holds the heap's table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aspace;

/* Starts both at length 0 in `space`, which must hold their windows; see memlayout.h. */
void brk_init(struct aspace *space);

/* Moves the break by `delta` bytes. Returns the previous break, or (void *)-1 without changing
 * anything if it would leave its window or memory is short. ksbrk(0) asks where it is. Not rounded:
 * whole pages are mapped below the break. */
void *ksbrk(intptr_t delta);

/* Makes the first `bytes` of the heap's table usable, zeroed where they are new. False changes
 * nothing. */
bool brk_extend_table(size_t bytes);

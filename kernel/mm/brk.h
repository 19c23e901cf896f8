/* SPDX-License-Identifier: MIT */
/*
 * The kernel's break: memory that grows and shrinks at its end, as sbrk does for a process. The
 * heap takes its arena from it as address space, and puts memory behind it page by page. Others
 * like it hold the heap's table and its marks.
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

/* Moves the break by `bytes`, and before that to the next multiple of `align`, a power of two, but
 * without memory. Returns where the new part starts, or (void *)-1. */
void *brk_reserve(size_t bytes, size_t align);

/* Puts memory, whose contents are undefined, behind [start, start + bytes) of what was reserved and
 * has none; false changes nothing. And takes it away. Whole pages. */
bool brk_back(uintptr_t start, size_t bytes);
void brk_drop(uintptr_t start, size_t bytes);

/* Makes the first `bytes` of the heap's table usable, zeroed where they are new. False changes
 * nothing. And the same for its marks. */
bool brk_extend_table(size_t bytes);
bool brk_extend_marks(size_t bytes);

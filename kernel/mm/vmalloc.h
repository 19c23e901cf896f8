/* SPDX-License-Identifier: MIT */
/*
 * vmalloc: blocks of whole pages that need not lie side by side in physical memory, each between
 * two guard pages. For large buffers whose overrun must be seen at once; smaller or faster ones
 * come from kmalloc. Any CPU, in task context.
 */
#pragma once

#include <stddef.h>

#include "lib/check.h"

struct aspace;

/* Takes the window of vmalloc in `space`. Needs kmalloc; panics if there is no memory. */
void vmalloc_init(struct aspace *space);

/* `size` bytes, rounded up to pages, contents undefined; or NULL if memory is exhausted or the size
 * is 0 or absurd (nothing is lost then). Touching the page before or behind them faults, and so
 * does touching them once they are given back: addresses are taken again as late as possible. The
 * caller owns them until vfree(). */
void *vmalloc(size_t size);

/* The same, all zero. */
void *vzalloc(size_t size);

/* Gives back a block; NULL is allowed. Panics naming the pointer if it is not the start of a live
 * block of vmalloc(). */
void vfree(void *block);

/* Usable bytes of a live block; panics on anything else. */
size_t vmalloc_size(const void *block);

/* What is out. */
struct vmalloc_stats {
    size_t blocks;
    size_t bytes; /* without the guards */
};

struct vmalloc_stats vmalloc_stats(void);

/* Verifies that each block is mapped, and that there are guards on both sides of it; see
 * check_expect(). Quiet: no call into vmalloc is under way. */
size_t vmalloc_check(check_report *report);

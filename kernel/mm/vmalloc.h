/* SPDX-License-Identifier: MIT */
/*
 * vmalloc: blocks of whole pages that need not lie side by side in physical memory, each between
 * two guard pages of its own. For large buffers whose overrun must be seen at once; smaller or
 * faster ones come from kmalloc. Any CPU, in task context.
 */
#pragma once

#include <stddef.h>

#include "lib/check.h"

struct aspace;

/* Starts with no blocks, in the space that kmmap uses. Needs kmalloc. */
void vmalloc_init(const struct aspace *space);

/* `size` bytes, rounded up to pages, zeroed; or NULL if memory is exhausted or the size is 0 or
 * absurd (nothing is lost then). Touching the page before or behind them faults. The caller owns
 * them until vfree(). */
void *vmalloc(size_t size);

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

/* Verifies that each block is mapped between guards; see check_expect(). */
size_t vmalloc_check(check_report *report);

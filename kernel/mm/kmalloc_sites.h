/* SPDX-License-Identifier: MIT */
/*
 * Call sites, in debug builds: who allocated each block of kmalloc, and who freed it. A table of a
 * fixed size, as full as it gets: blocks for which there is no room are only counted. No lock; any
 * context but NMI.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The block was allocated, or is about to be freed, by a call that returns to `caller`. */
void kmalloc_sites_alloc(const void *block, size_t size, const void *caller);
void kmalloc_sites_free(const void *block, const void *caller);

/* Writes "allocated by f+0x12" or "allocated by f+0x12, freed by g+0x34", or nothing if nothing is
 * known of a block there. Returns the length. */
size_t kmalloc_sites_explain(const void *address, char *text, size_t room);

/* Live blocks that one call allocated. */
struct kmalloc_site {
    const void *caller;
    const void *newest; /* of the blocks */
    size_t blocks, bytes;
};

/* Fills in up to `count` sites, those with most bytes first, of blocks allocated since the last
 * mark; returns how many. */
size_t kmalloc_sites_live(struct kmalloc_site *sites, size_t count);

/* Blocks allocated so far are no longer of interest. */
void kmalloc_sites_mark(void);

/* Blocks that the table had no room for. */
uint64_t kmalloc_sites_lost(void);

/* Writes the name of the function that calls, and the offset in it. Returns the length. */
size_t kmalloc_sites_name(const void *caller, char *text, size_t room);

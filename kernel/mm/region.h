/* SPDX-License-Identifier: MIT */
/*
 * A small cache of region structs. It takes its pages straight from pmm, since the heap stands
 * above the address space that regions describe, and gives each back when its last region is freed.
 */
#pragma once

struct region;

/* An uninitialised region, or NULL. The caller owns it until region_free(). */
struct region *region_alloc(void);

void region_free(struct region *region);

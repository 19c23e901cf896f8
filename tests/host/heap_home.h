/* SPDX-License-Identifier: MIT */
/*
 * The heap's home in hosted tests: two reserved windows of the host's address space, mappings of
 * the host's, and a port that fails on demand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool host_heap_debug; /* tests run either way */
extern uintptr_t host_heap_arena;
extern uintptr_t host_heap_table;

#define HEAP_DEBUG      host_heap_debug
#define heap_arena_base host_heap_arena
#define heap_table_base host_heap_table

/* Starts over with an empty arena and table, no mappings, and a port that works. */
void host_heap_reset(void);

/* Bytes in the arena, and bytes mapped for large blocks. */
extern size_t host_heap_arena_bytes;
extern size_t host_heap_mapped;

/* Calls so far that may fail. */
extern unsigned host_heap_calls;

/* Lets call number `call` fail (0: the next one), counted from now; and all later ones too if
 * `onwards`. */
void host_heap_fail(unsigned call, bool onwards);
void host_heap_fail_never(void);

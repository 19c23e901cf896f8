/* SPDX-License-Identifier: MIT */
/*
 * All that the heap asks of its world. Whoever gives it a new home writes these functions and a
 * header heap_home.h, found by include path, with the constants
 *
 *   HEAP_DEBUG       1: fill blocks with patterns at allocation and free, and check them at reuse
 *   heap_arena_base  where the arena starts, an expression of type uintptr_t; multiple of
 *                    HEAP_SLICE_SIZE
 *   heap_table_base  where the table of slice descriptors starts, likewise; multiple of 4096
 *
 * No lock of the heap's own is held while these are called: the heap has none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <heap_home.h>

/* The sbrk equivalent: moves the end of the arena by `delta` bytes, a multiple of HEAP_SLICE_SIZE,
 * and returns true; false changes nothing. Memory that arrives is readable, writable and zero. */
bool heap_port_extend(intptr_t delta);

/* Makes the first `bytes` of the descriptor table usable; fresh parts read as zero. False changes
 * nothing. Called with ever greater values; what was usable stays so. */
bool heap_port_extend_table(size_t bytes);

/* The mmap equivalent: `bytes` (a multiple of 4096) of zeroed memory aligned to `align` (a power of
 * two, at least 4096), or NULL. */
void *heap_port_map(size_t bytes, size_t align);

/* Gives back [start, start + bytes), a part or the whole of one such mapping; both multiples of
 * 4096. Cannot fail. */
void heap_port_unmap(void *start, size_t bytes);

/* The caller broke a rule of heap.h, or a block or the metadata is damaged: says so and never
 * returns. */
_Noreturn void heap_port_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

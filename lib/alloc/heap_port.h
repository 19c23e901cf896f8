/* SPDX-License-Identifier: MIT */
/*
 * All that the heap asks of its world. Whoever gives it a new home writes these functions and a
 * header heap_home.h, found by include path, with the constants (expressions will do)
 *
 *   HEAP_DEBUG     1: fill blocks with patterns at allocation and free
 *   HEAP_HARDEN    1: the hardened heap
 *   HEAP_COMMITS   0: arena memory is backed by itself at first touch; heap_port_commit() is not
 *                  called
 *   HEAP_ZEROED    1: memory that arrives in the arena is zero; 0: what `fresh` memory holds is not
 *                  known, and blocks that have to be zero are cleared
 *   HEAP_TICKS     1: allocation looks at the clock now and then, and gives back memory by itself,
 *                  also before it fails; 0: only heap_tick() and heap_trim() do
 *   HEAP_HUGE_MIN  blocks of at least this many bytes are mappings of their own
 *
 * No lock is held while these are called but heap_port_unlock(), heap_port_clock(), and
 * heap_port_panic() where a free run is damaged. All but
 * lock, unlock and panic may be called by several threads at once, on disjoint ranges. Each names
 * the world it is for; a home with one world ignores that.
 * All sizes are bytes and multiples of HEAP_PAGE, those of extend multiples of HEAP_SLICE_SIZE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <heap_home.h>

struct heap;
struct heap_world;

/* The sbrk equivalent: `bytes` more of address space, inside heap_setup's [arena, arena + reserve)
 * and above all that came before; usually right behind it, but somebody else's sbrk may lie in
 * between. Returns where it starts, a multiple of HEAP_SLICE_SIZE, or 0. Zero once committed. */
uintptr_t heap_port_extend(struct heap_world *world, size_t bytes);

/* Makes the first `bytes` of heap_setup.table usable (and 8 times as many of `marks`, if
 * HEAP_HARDEN or HEAP_DEBUG); what is new reads as zero. False changes nothing. What was usable
 * stays so, even if a late caller asks for less. */
bool heap_port_extend_table(struct heap_world *world, size_t bytes);

/* Backs [start, start + bytes) of the arena with zeroed memory. False changes nothing. */
bool heap_port_commit(struct heap_world *world, uintptr_t start, size_t bytes);

/* Takes the memory behind [start, start + bytes) of the arena away again. Zero when committed anew
 * (or, without HEAP_COMMITS, touched anew). Cannot fail. */
void heap_port_purge(struct heap_world *world, uintptr_t start, size_t bytes);

/* HEAP_HARDEN only: lets accesses to [start, start + bytes) of the arena fault, or undoes that.
 * Cannot fail; may do nothing. */
void heap_port_guard(struct heap_world *world, uintptr_t start, size_t bytes, bool on);

/* The mmap equivalent: zeroed memory aligned to `align` (a power of two, at least HEAP_PAGE), or
 * NULL. A port without mappings returns NULL. */
void *heap_port_map(struct heap_world *world, size_t bytes, size_t align);

/* Gives back [start, start + bytes), the whole or the tail of one such mapping. Cannot fail. */
void heap_port_unmap(struct heap_world *world, void *start, size_t bytes);

/* Makes a mapping of `from` bytes `to` bytes long, to > from; it may move only if `may_move`. The
 * new part is zero. Returns where it is now, or NULL: nothing has changed. */
void *heap_port_remap(struct heap_world *world, void *start, size_t from, size_t to, bool may_move);

/* One lock a world, held for some hundred instructions and a pass over the slices of one run; by
 * heap_stats() for a pass over all. Interrupt contexts take it to look up mappings: see
 * heap_reserve(). */
void heap_port_lock(struct heap_world *world);
void heap_port_unlock(struct heap_world *world);

/* In the child of a fork: the lock is free, whatever it was. */
void heap_port_reset_lock(struct heap_world *world);

/* Milliseconds since some time in the past; a coarse clock will do. */
uint64_t heap_port_clock(struct heap_world *world);

/* The current heap is heap_none: makes or adopts one, makes it the current one and returns it; or
 * NULL if there is no memory. */
struct heap *heap_port_attach(void);

/* The caller broke a rule of heap.h, or a block or the metadata is damaged: says so and never
 * returns. `caller` is the return address of the call, for a backtrace, or NULL; `block` is where
 * the block starts that this is about, or NULL: a port that keeps records may add them. */
_Noreturn void heap_port_panic(const void *caller, const void *block, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

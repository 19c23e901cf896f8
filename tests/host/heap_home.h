/* SPDX-License-Identifier: MIT */
/*
 * The heap's home in hosted tests: reserved windows of the host's address space, mappings of the
 * host's, and a port that fails on demand. Several worlds; one for most tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool host_heap_debug, host_heap_harden, host_heap_commits; /* tests run either way */
extern bool host_heap_ticks;
extern size_t host_heap_huge_min;

#define HEAP_DEBUG    host_heap_debug
#define HEAP_HARDEN   host_heap_harden
#define HEAP_COMMITS  host_heap_commits
#define HEAP_ZEROED   1
#define HEAP_TICKS    host_heap_ticks
#define HEAP_HUGE_MIN host_heap_huge_min

struct heap;
struct heap_world;

struct heap_setup;

/* Starts over in window 0, as kmalloc wants it. */
void heap_home_setup(struct heap_world *world, struct heap_setup *setup);

/* Starts over: makes `world` with an empty arena of `reserve` bytes in window number `window` (0 to
 * 3), `offset` slices behind its start, no mappings, and a port that works. */
void host_heap_start(struct heap_world *world, unsigned window, size_t reserve, size_t offset);

/* Bytes mapped for huge blocks and their records, in all worlds. */
extern size_t host_heap_mapped;

/* Bytes of arenas that have memory, in all worlds; if host_heap_commits. */
extern size_t host_heap_committed;

#define HOST_HEAP_NO_CALL UINT32_MAX

/* Calls so far that may fail. */
extern unsigned host_heap_calls;

/* Of these, how many failed. */
extern unsigned host_heap_failures;

/* Lets call number `call` fail (0: the next one), counted from now; and all later ones too if
 * `onwards`; or calls `call` and `other`. */
void host_heap_fail(unsigned call, bool onwards);
void host_heap_fail_both(unsigned call, unsigned other);
void host_heap_fail_never(void);

/* What the clock says, in milliseconds. */
extern uint64_t host_heap_clock;

/* What heap_port_attach() returns. */
extern struct heap *host_heap_attached;

/* kmalloc's heaps: one CPU, which runs a task or handles an interrupt. */
extern struct heap host_task_heap, host_interrupt_heap;
extern bool host_in_interrupt;

void heap_home_start(void);
struct heap *heap_home_current(void);
struct heap *heap_home_task(void);
struct heap *heap_home_attach(void);
uint64_t heap_home_clock(void);

/* SPDX-License-Identifier: MIT */
/*
 * The heap as malloc of a Linux process: what the parts of this folder share.
 *
 *   malloc.c     the malloc family: arguments and errors as C and POSIX have them
 *   thread.c     which heap is whose: a thread's first call, its end, fork
 *   heap_port.c  what the heap asks of its world: address space, memory, a lock, a clock
 *   stats.c      LOAM_STATS=1: what the heap did, told at exit
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/alloc/heap.h"

/* The world that all heaps of the process share; ready once the first thread has a heap. */
extern struct heap_world hosted_world;

/* The calling thread's heap; &heap_none before its first call. The only thread-local variable there
 * is. */
extern __thread struct heap *hosted_heap __attribute__((tls_model("initial-exec")));

/* heap_port.c: finds address space and says where; false if there is none. Once. */
bool hosted_reserve(struct heap_setup *setup);

/* Zeroed memory for bookkeeping, for good; NULL if there is none. */
void *hosted_map(size_t bytes);

/* One line to standard error, formatted as by lib/format.h; allocates nothing. */
void hosted_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* stats.c: tells all. */
void hosted_stats(void);

/* thread.c: how many heaps were made so far; as many threads were there at once, at most. */
size_t hosted_heaps(void);

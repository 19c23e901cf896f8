/* SPDX-License-Identifier: MIT */
/*
 * Memory as the threads see it: the process's own, and under EXPLORE_TSO a buffer before it for
 * each thread, which its stores leave in order, one by one. Tells race.h of every atomic operation.
 */
#pragma once

#include "tests/explore/explore.h"
#include "tests/explore/op.h"

/* Empties all buffers: their stores are lost. */
void memory_reset(enum explore_memory memory);

/* Must the thread's buffer drain before the thread may do this? */
bool memory_must_drain(unsigned thread, const struct op *op);

/* Performs an atomic operation, after which `op` tells how it went. Precondition: the buffer need
 * not drain before. */
void memory_perform(unsigned thread, struct op *op);

/* Is this a store that goes to the buffer? Then no other thread can see it happen. */
bool memory_is_buffered(const struct op *op);

/* The oldest store in the thread's buffer, as an OP_COMMIT, or NULL. */
const struct op *memory_oldest(unsigned thread);

/* Commits it; `op` becomes it. Precondition: there is one. */
void memory_commit(unsigned thread, struct op *op);

/* Performs an atomic operation outside of the exploration. */
void memory_perform_alone(struct op *op);

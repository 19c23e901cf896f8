/* SPDX-License-Identifier: MIT */
/*
 * Happens-before, by vector clocks over the memory orders that the code asked for. Two accesses to
 * a byte race iff they come from two threads, one of them writes, one of them is plain, and neither
 * happens before the other. Follows C11, but for one thing in which it follows C++20: a later store
 * of the same thread does not continue a release sequence, a read-modify-write does.
 */
#pragma once

#include "tests/explore/explore.h"
#include "tests/explore/op.h"

struct clock {
    uint32_t at[EXPLORE_THREADS];
};

/* Forgets everything, in constant time. */
void race_reset(void);

/* One thread's accesses of one kind to some bytes of a word: the last of them. */
struct access {
    uint32_t next; /* index of the next one of this word, or 0 */
    uint32_t time; /* on the clock of its thread */
    uintptr_t pc;
    uint8_t thread;
    uint8_t bytes; /* of the word: one bit each */
    bool write, plain;
};

/* Notes that the thread makes this access. NULL, or the earlier access that it races with.
 * Precondition: of an atomic operation, the synchronisation is done, and race_tick() is not. */
const struct access *race_access(unsigned thread, const struct op *op, bool write);

/* The thread reads the atomic object. */
void race_acquire(unsigned thread, const struct op *op, int order);

/* What a store of that order by the thread publishes. */
struct clock race_released(unsigned thread, int order);

/* A store that carries `released` becomes visible; `continues`: it is part of a read-modify-write.
 */
void race_publish(const struct op *op, const struct clock *released, bool continues);

void race_fence(unsigned thread, int order);

/* What `other` did until now happens before what the thread does from now on. */
void race_follow(unsigned thread, unsigned other);

/* Ends an atomic operation: what the thread does from now on is not covered by it. */
void race_tick(unsigned thread);

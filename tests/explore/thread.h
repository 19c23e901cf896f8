/* SPDX-License-Identifier: MIT */
/*
 * Threads under exploration: each a context of its own, which stops before every atomic operation
 * for search.h to say who goes on. Runs one schedule at a time.
 */
#pragma once

#include "tests/explore/explore.h"
#include "tests/explore/op.h"

struct thread_outcome {
    enum explore_verdict verdict;
    bool pruned; /* given up: equivalent to an earlier schedule */
    char message[sizeof((struct explore_result *)0)->message];
};

/* Runs the schedule that search.h chooses: setup, the threads, check. */
struct thread_outcome thread_run(const struct explore_test *test);

/* Ends the running schedule with that verdict, from setup, a thread, check, or a signal that came
 * in one of these. */
_Noreturn void thread_fail(enum explore_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void thread_fail_v(enum explore_verdict verdict, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Performs an atomic operation when the thread's turn comes, and lets `op` tell how it went.
 * [frame, end of the stack) is all that the thread remembers. */
void thread_perform(struct op *op, const uint64_t *frame);

/* Notes a plain access that the thread is about to make. */
void thread_access(struct op *op);

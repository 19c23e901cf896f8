/* SPDX-License-Identifier: MIT */
/* Message passing: plain data, published by a flag. Every order that it needs, weakened in turn. */
#include <stddef.h>

#include "tests/explore/examples/example.h"

static int data, flag, received;

static void reset(void)
{
    data = flag = received = 0;
}

static void check(void)
{
    explore_assert(received == 0 || received == 1);
}

#define SENDER(name, fence, order)         \
    static void name(unsigned id)          \
    {                                      \
        (void)id;                          \
        data = 1;                          \
        __atomic_thread_fence(fence);      \
        __atomic_store_n(&flag, 1, order); \
    }

#define RECEIVER(name, order, fence)            \
    static void name(unsigned id)               \
    {                                           \
        (void)id;                               \
        if (__atomic_load_n(&flag, order) == 0) \
            return;                             \
        __atomic_thread_fence(fence);           \
        received = data;                        \
    }

SENDER(send_release, __ATOMIC_RELAXED, __ATOMIC_RELEASE)
SENDER(send_seq_cst, __ATOMIC_RELAXED, __ATOMIC_SEQ_CST)
SENDER(send_relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SENDER(send_fence, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
SENDER(send_wrong_fence, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
RECEIVER(receive_acquire, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
RECEIVER(receive_seq_cst, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
RECEIVER(receive_relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
RECEIVER(receive_fence, __ATOMIC_RELAXED, __ATOMIC_ACQUIRE)
RECEIVER(receive_wrong_fence, __ATOMIC_RELAXED, __ATOMIC_RELEASE)

static void wait_and_receive(unsigned id)
{
    (void)id;
    while (__atomic_load_n(&flag, __ATOMIC_ACQUIRE) == 0)
        __builtin_ia32_pause();
    received = data;
}

/* A third thread between the two. Its read-modify-write continues the release sequence of the
 * sender; its store does not. */
static void pass_on_by_add(unsigned id)
{
    (void)id;
    __atomic_fetch_add(&flag, 1, __ATOMIC_RELAXED);
}

static void pass_on_by_store(unsigned id)
{
    (void)id;
    if (__atomic_load_n(&flag, __ATOMIC_RELAXED) == 1)
        __atomic_store_n(&flag, 2, __ATOMIC_RELAXED);
}

static void receive_two(unsigned id)
{
    (void)id;
    if (__atomic_load_n(&flag, __ATOMIC_ACQUIRE) == 2)
        received = data;
}

/* The sender overwrites its own release by a relaxed store: the sequence ends (C++20). */
static void send_twice(unsigned id)
{
    (void)id;
    data = 1;
    __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&flag, 2, __ATOMIC_RELAXED);
}

/* Writes after it has sent: what is sent does not cover that. */
static void send_early(unsigned id)
{
    (void)id;
    __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
    data = 1;
}

#define MESSAGE(called, sender, receiver, outcome)                                              \
    {                                                                                           \
        .test = {.name = called, .setup = reset, .thread = {sender, receiver}, .check = check}, \
        .verdict = outcome,                                                                     \
        .part = outcome == EXPLORE_RACE ? "data race on data: thread 0 writes" : NULL,          \
    }

const struct example message_examples[] = {
    MESSAGE("message", send_release, receive_acquire, EXPLORE_PASSED),
    MESSAGE("message seq_cst", send_seq_cst, receive_seq_cst, EXPLORE_PASSED),
    MESSAGE("message by fences", send_fence, receive_fence, EXPLORE_PASSED),
    MESSAGE("message by fence and acquire", send_fence, receive_acquire, EXPLORE_PASSED),
    MESSAGE("message by release and fence", send_release, receive_fence, EXPLORE_PASSED),
    MESSAGE("message waited for", send_release, wait_and_receive, EXPLORE_PASSED),
    MESSAGE("message sent relaxed", send_relaxed, receive_acquire, EXPLORE_RACE),
    MESSAGE("message received relaxed", send_release, receive_relaxed, EXPLORE_RACE),
    MESSAGE("message seq_cst received relaxed", send_seq_cst, receive_relaxed, EXPLORE_RACE),
    MESSAGE("message sent without fence", send_relaxed, receive_fence, EXPLORE_RACE),
    MESSAGE("message received without fence", send_fence, receive_relaxed, EXPLORE_RACE),
    MESSAGE("message sent by acquire fence", send_wrong_fence, receive_fence, EXPLORE_RACE),
    MESSAGE("message received by release fence", send_fence, receive_wrong_fence, EXPLORE_RACE),
    MESSAGE("message sent early", send_early, receive_acquire, EXPLORE_RACE),
    MESSAGE("message overwritten", send_twice, receive_two, EXPLORE_RACE),
    {.test = {.name = "message passed on by add",
              .setup = reset,
              .thread = {send_release, pass_on_by_add, receive_two},
              .check = check},
     .verdict = EXPLORE_PASSED},
    {.test = {.name = "message passed on by store",
              .setup = reset,
              .thread = {send_release, pass_on_by_store, receive_two},
              .check = check},
     .verdict = EXPLORE_RACE,
     .part = "data race on data"},
    {.verdict = EXPLORE_PASSED},
};

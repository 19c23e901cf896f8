/* SPDX-License-Identifier: MIT */
/*
 * Mutual exclusion of two threads by loads and stores alone: the core of it, Dekker's algorithm,
 * and Peterson's. Each stores its own flag and then loads the other's, which x86 reorders unless a
 * fence stands between. What is protected is plain, so that a failure is a data race.
 */
#include <stddef.h>

#include "tests/explore/examples/example.h"

static int wants[2], turn, inside, entered[2];

static void reset(void)
{
    wants[0] = wants[1] = turn = inside = entered[0] = entered[1] = 0;
}

static void critical(unsigned id)
{
    explore_assert(inside == 0);
    inside = 1;
    entered[id]++;
    inside = 0;
}

static void check(void)
{
    explore_assert(entered[0] == 1 && entered[1] == 1);
}

static void nothing(void)
{
}

#define STORE(object, value) __atomic_store_n(&(object), value, __ATOMIC_RELEASE)
#define LOAD(object)         __atomic_load_n(&(object), __ATOMIC_ACQUIRE)
#define FENCE                __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define NO_FENCE             (void)0

/* Enters iff the other does not want to; it may be that neither enters. */
#define TRY(name, fence)          \
    static void name(unsigned id) \
    {                             \
        STORE(wants[id], 1);      \
        fence;                    \
        if (!LOAD(wants[1 - id])) \
            critical(id);         \
        STORE(wants[id], 0);      \
    }

/* The one whose turn it is not steps back until it is. */
#define DEKKER(name, fence)               \
    static void name(unsigned id)         \
    {                                     \
        STORE(wants[id], 1);              \
        fence;                            \
        while (LOAD(wants[1 - id])) {     \
            if (LOAD(turn) == (int)id)    \
                continue;                 \
            STORE(wants[id], 0);          \
            while (LOAD(turn) != (int)id) \
                __builtin_ia32_pause();   \
            STORE(wants[id], 1);          \
            fence;                        \
        }                                 \
        critical(id);                     \
        STORE(turn, 1 - (int)id);         \
        STORE(wants[id], 0);              \
    }

#define PETERSON(name, fence)                                \
    static void name(unsigned id)                            \
    {                                                        \
        STORE(wants[id], 1);                                 \
        STORE(turn, 1 - (int)id);                            \
        fence;                                               \
        while (LOAD(wants[1 - id]) && LOAD(turn) != (int)id) \
            __builtin_ia32_pause();                          \
        critical(id);                                        \
        STORE(wants[id], 0);                                 \
    }

/* Without fence, but seq_cst, which makes the store of the turn a locked one. */
static void peterson_seq_cst(unsigned id)
{
    __atomic_store_n(&wants[id], 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&turn, 1 - (int)id, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&wants[1 - id], __ATOMIC_SEQ_CST) &&
           __atomic_load_n(&turn, __ATOMIC_SEQ_CST) != (int)id)
        __builtin_ia32_pause();
    critical(id);
    __atomic_store_n(&wants[id], 0, __ATOMIC_SEQ_CST);
}

TRY(try_fenced, FENCE)
TRY(try_unfenced, NO_FENCE)
DEKKER(dekker_fenced, FENCE)
DEKKER(dekker_unfenced, NO_FENCE)
PETERSON(peterson_fenced, FENCE)
PETERSON(peterson_unfenced, NO_FENCE)

#define MUTEX(called, thread_body, after, model)   \
    .test = {.name = called,                       \
             .setup = reset,                       \
             .thread = {thread_body, thread_body}, \
             .check = after,                       \
             .memory = model}

const struct example mutex_examples[] = {
    {MUTEX("flags with fence", try_fenced, nothing, EXPLORE_TSO)},
    {MUTEX("flags without fence, no store buffers", try_unfenced, nothing, EXPLORE_SC)},
    {MUTEX("flags without fence", try_unfenced, nothing, EXPLORE_TSO), .verdict = EXPLORE_RACE,
     .part = "data race on inside"},
    {MUTEX("Dekker with fences", dekker_fenced, check, EXPLORE_TSO)},
    {MUTEX("Dekker without fences, no store buffers", dekker_unfenced, check, EXPLORE_SC)},
    {MUTEX("Dekker without fences", dekker_unfenced, check, EXPLORE_TSO), .verdict = EXPLORE_RACE,
     .part = "data race on inside"},
    {MUTEX("Peterson with fence", peterson_fenced, check, EXPLORE_TSO)},
    {MUTEX("Peterson seq_cst", peterson_seq_cst, check, EXPLORE_TSO)},
    {MUTEX("Peterson without fence, no store buffers", peterson_unfenced, check, EXPLORE_SC)},
    {MUTEX("Peterson without fence", peterson_unfenced, check, EXPLORE_TSO),
     .verdict = EXPLORE_RACE, .part = "data race on inside"},
    {.verdict = EXPLORE_PASSED},
};

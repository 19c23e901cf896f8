/* SPDX-License-Identifier: MIT */
/* A sequence lock: readers never write, and read again if a writer came between. */
#include <stddef.h>

#include "tests/explore/examples/example.h"

static unsigned sequence; /* odd while a writer is at work */
static int left, right;   /* equal whenever no writer is at work */

static void reset(void)
{
    sequence = 0;
    left = right = 0;
}

static void check(void)
{
    explore_assert(left == right && sequence % 2 == 0);
}

static void begin_write(void)
{
    unsigned now = __atomic_load_n(&sequence, __ATOMIC_RELAXED);
    __atomic_store_n(&sequence, now + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end_write(void)
{
    unsigned now = __atomic_load_n(&sequence, __ATOMIC_RELAXED);
    __atomic_store_n(&sequence, now + 1, __ATOMIC_RELEASE);
}

static void write_pair(unsigned id)
{
    (void)id;
    for (int value = 1; value <= 2; value++) {
        begin_write();
        __atomic_store_n(&left, value, __ATOMIC_RELAXED);
        __atomic_store_n(&right, value, __ATOMIC_RELAXED);
        end_write();
    }
}

static void write_unmarked(unsigned id)
{
    (void)id;
    __atomic_store_n(&left, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&right, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&sequence, 2, __ATOMIC_RELEASE);
}

static void write_plain(unsigned id)
{
    (void)id;
    begin_write();
    left = 1;
    right = 1;
    end_write();
}

#define READER(name, is_odd, has_changed)                          \
    static void name(unsigned id)                                  \
    {                                                              \
        (void)id;                                                  \
        unsigned before;                                           \
        int l, r;                                                  \
        do {                                                       \
            before = __atomic_load_n(&sequence, __ATOMIC_ACQUIRE); \
            l = __atomic_load_n(&left, __ATOMIC_RELAXED);          \
            r = __atomic_load_n(&right, __ATOMIC_RELAXED);         \
            __atomic_thread_fence(__ATOMIC_ACQUIRE);               \
        } while ((is_odd) || (has_changed));                       \
        explore_assert(l == r);                                    \
    }

#define IS_ODD      (before % 2 == 1)
#define HAS_CHANGED (__atomic_load_n(&sequence, __ATOMIC_RELAXED) != before)

READER(read_pair, IS_ODD, HAS_CHANGED)
READER(read_once, IS_ODD, false)
READER(read_odd, false, HAS_CHANGED)

#define SEQUENCE(called, writer, reader) \
    .test = {.name = called, .setup = reset, .thread = {writer, reader}, .check = check}

const struct example sequence_examples[] = {
    {SEQUENCE("sequence lock", write_pair, read_pair)},
    {.test = {.name = "sequence lock, store buffers",
              .setup = reset,
              .thread = {write_pair, read_pair},
              .check = check,
              .memory = EXPLORE_TSO}},
    {SEQUENCE("sequence lock, read once", write_pair, read_once), .verdict = EXPLORE_FAILED,
     .part = "l == r"},
    {SEQUENCE("sequence lock, read while odd", write_pair, read_odd), .verdict = EXPLORE_FAILED,
     .part = "l == r"},
    {SEQUENCE("sequence lock, never odd", write_unmarked, read_pair), .verdict = EXPLORE_FAILED,
     .part = "l == r"},
    {SEQUENCE("sequence lock, plain data", write_plain, read_pair), .verdict = EXPLORE_RACE,
     .part = "data race on left"},
    {.verdict = EXPLORE_PASSED},
};

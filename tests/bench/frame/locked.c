/* SPDX-License-Identifier: MIT */
/*
 * A runtime for code that was compiled with -fsanitize=thread, which makes each atomic operation a
 * call: performs it, and counts it if the machine would lock for it. For one thread.
 */
#include "tests/bench/frame/locked.h"

#include <stdbool.h>
#include <stdint.h>

unsigned long locked_operations;

#define LOCKED(bits, name, update)                                                                \
    uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *at, uint##bits##_t value, int o); \
    uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *at, uint##bits##_t value, int o)  \
    {                                                                                             \
        uint##bits##_t old = *at;                                                                 \
        (void)o;                                                                                  \
        locked_operations++;                                                                      \
        *at = (uint##bits##_t)(update);                                                           \
        return old;                                                                               \
    }

#define SIZE(bits)                                                                         \
    uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *at, int order);        \
    uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *at, int order)         \
    {                                                                                      \
        (void)order;                                                                       \
        return *at;                                                                        \
    }                                                                                      \
    void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t value, int order); \
    void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t value, int order)  \
    {                                                                                      \
        (void)order;                                                                       \
        *at = value;                                                                       \
    }                                                                                      \
    int __tsan_atomic##bits##_compare_exchange_strong(                                     \
        uint##bits##_t *at, uint##bits##_t *expected, uint##bits##_t value, int order,     \
        int failure);                                                                      \
    int __tsan_atomic##bits##_compare_exchange_strong(                                     \
        uint##bits##_t *at, uint##bits##_t *expected, uint##bits##_t value, int order,     \
        int failure)                                                                       \
    {                                                                                      \
        (void)order, (void)failure;                                                        \
        locked_operations++;                                                               \
        bool same = *at == *expected;                                                      \
        if (same)                                                                          \
            *at = value;                                                                   \
        else                                                                               \
            *expected = *at;                                                               \
        return same;                                                                       \
    }                                                                                      \
    LOCKED(bits, exchange, value)                                                          \
    LOCKED(bits, fetch_add, old + value)                                                   \
    LOCKED(bits, fetch_sub, old - value)                                                   \
    LOCKED(bits, fetch_and, old &value)                                                    \
    LOCKED(bits, fetch_or, old | value)

SIZE(8)
SIZE(16)
SIZE(32)
SIZE(64)

/* What else such code announces. */
#define IGNORED(name)    \
    void name(void *at); \
    void name(void *at)  \
    {                    \
        (void)at;        \
    }

IGNORED(__tsan_init)
IGNORED(__tsan_func_entry)
IGNORED(__tsan_func_exit)
IGNORED(__tsan_read1)
IGNORED(__tsan_read2)
IGNORED(__tsan_read4)
IGNORED(__tsan_read8)
IGNORED(__tsan_read16)
IGNORED(__tsan_write1)
IGNORED(__tsan_write2)
IGNORED(__tsan_write4)
IGNORED(__tsan_write8)
IGNORED(__tsan_write16)
IGNORED(__tsan_unaligned_read4)
IGNORED(__tsan_unaligned_read8)
IGNORED(__tsan_unaligned_write8)
IGNORED(__tsan_atomic_signal_fence)

void __tsan_write_range(void *at, unsigned long size);
void __tsan_write_range(void *at, unsigned long size)
{
    (void)at, (void)size;
}

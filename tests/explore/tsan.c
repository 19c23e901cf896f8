/* SPDX-License-Identifier: MIT */
/*
 * The runtime that -fsanitize=thread calls, in place of ThreadSanitizer's: turns each announcement
 * into a struct op for thread.h. All that matters comes by way of tsan_entry.S.
 */
#include <stddef.h>
#include <string.h>

#include "tests/explore/thread.h"
#include "tests/explore/tsan.h"

/* Where tsan_entry.S saved rbx, rbp and r12 to r15; above them the return address. */
extern const uint64_t *tsan_frame;
const uint64_t *tsan_frame;
unsigned char *tsan_stack;

#define FRAME_PC 6

static value_t perform(enum op_kind kind, const volatile void *address, unsigned size, int order,
                       value_t operand)
{
    struct op op = {.kind = kind,
                    .address = (uintptr_t)address,
                    .size = size,
                    .order = order & 0x7fff, /* above are hints for lock elision */
                    .operand = operand,
                    .pc = tsan_frame[FRAME_PC]};
    thread_perform(&op, tsan_frame);
    return op.old;
}

/* Gives what was there; the exchange is done iff that is `expected`. */
static value_t compare(const volatile void *address, unsigned size, value_t expected,
                       value_t desired, int order, int failure_order)
{
    struct op op = {.kind = OP_CAS,
                    .address = (uintptr_t)address,
                    .size = size,
                    .order = order & 0x7fff,
                    .failure_order = failure_order & 0x7fff,
                    .operand = desired,
                    .expected = expected,
                    .pc = tsan_frame[FRAME_PC]};
    thread_perform(&op, tsan_frame);
    return op.old;
}

static void plain(enum op_kind kind, const volatile void *address, size_t size)
{
    if (tsan_stack == NULL) /* in setup or check, where nobody is to race with */
        return;
    struct op op = {.kind = kind,
                    .address = (uintptr_t)address,
                    .size = (unsigned)size,
                    .pc = tsan_frame[FRAME_PC]};
    thread_access(&op);
}

/* --- atomic operations, reached from tsan_entry.S
 * ------------------------------------------------*/

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef value_t u128;

#define FETCH(bits, name, kind)                                                 \
    u##bits tsan_atomic##bits##_##name(volatile u##bits *a, u##bits v, int mo); \
    u##bits tsan_atomic##bits##_##name(volatile u##bits *a, u##bits v, int mo)  \
    {                                                                           \
        return (u##bits)perform(kind, a, sizeof *a, mo, v);                     \
    }

#define COMPARE(bits, name)                                                                   \
    int tsan_atomic##bits##_##name(volatile u##bits *a, u##bits *e, u##bits v, int, int);     \
    int tsan_atomic##bits##_##name(volatile u##bits *a, u##bits *e, u##bits v, int mo, int f) \
    {                                                                                         \
        u##bits expected = *e;                                                                \
        *e = (u##bits)compare(a, sizeof *a, expected, v, mo, f);                              \
        return *e == expected;                                                                \
    }

#define ATOMIC(bits)                                                                            \
    u##bits tsan_atomic##bits##_load(const volatile u##bits *a, int mo);                        \
    u##bits tsan_atomic##bits##_load(const volatile u##bits *a, int mo)                         \
    {                                                                                           \
        return (u##bits)perform(OP_LOAD, a, sizeof *a, mo, 0);                                  \
    }                                                                                           \
    void tsan_atomic##bits##_store(volatile u##bits *a, u##bits v, int mo);                     \
    void tsan_atomic##bits##_store(volatile u##bits *a, u##bits v, int mo)                      \
    {                                                                                           \
        perform(OP_STORE, a, sizeof *a, mo, v);                                                 \
    }                                                                                           \
    u##bits tsan_atomic##bits##_compare_exchange_val(volatile u##bits *a, u##bits e, u##bits v, \
                                                     int mo, int f);                            \
    u##bits tsan_atomic##bits##_compare_exchange_val(volatile u##bits *a, u##bits e, u##bits v, \
                                                     int mo, int f)                             \
    {                                                                                           \
        return (u##bits)compare(a, sizeof *a, e, v, mo, f);                                     \
    }                                                                                           \
    COMPARE(bits, compare_exchange_strong)                                                      \
    COMPARE(bits, compare_exchange_weak)                                                        \
    FETCH(bits, exchange, OP_EXCHANGE)                                                          \
    FETCH(bits, fetch_add, OP_ADD)                                                              \
    FETCH(bits, fetch_sub, OP_SUB)                                                              \
    FETCH(bits, fetch_and, OP_AND)                                                              \
    FETCH(bits, fetch_or, OP_OR)                                                                \
    FETCH(bits, fetch_xor, OP_XOR)                                                              \
    FETCH(bits, fetch_nand, OP_NAND)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
ATOMIC(128)

void tsan_atomic_thread_fence(int mo);
void tsan_atomic_thread_fence(int mo)
{
    perform(OP_FENCE, NULL, 0, mo, 0);
}

/* --- plain accesses
 * ------------------------------------------------------------------------------*/

#define PLAIN(name, kind, size) \
    void tsan_##name(void *a);  \
    void tsan_##name(void *a)   \
    {                           \
        plain(kind, a, size);   \
    }

#define READ_WRITE(size)                                \
    PLAIN(read##size, OP_READ, size)                    \
    PLAIN(write##size, OP_WRITE, size)                  \
    PLAIN(read_write##size, OP_WRITE, size)             \
    PLAIN(unaligned_read##size, OP_READ, size)          \
    PLAIN(unaligned_write##size, OP_WRITE, size)        \
    PLAIN(unaligned_read_write##size, OP_WRITE, size)   \
    PLAIN(volatile_read##size, OP_READ, size)           \
    PLAIN(volatile_write##size, OP_WRITE, size)         \
    PLAIN(unaligned_volatile_read##size, OP_READ, size) \
    PLAIN(unaligned_volatile_write##size, OP_WRITE, size)

READ_WRITE(1)
READ_WRITE(2)
READ_WRITE(4)
READ_WRITE(8)
READ_WRITE(16)

void tsan_read_range(void *a, size_t size);
void tsan_read_range(void *a, size_t size)
{
    plain(OP_READ, a, size);
}

void tsan_write_range(void *a, size_t size);
void tsan_write_range(void *a, size_t size)
{
    plain(OP_WRITE, a, size);
}

/* What newer compilers call instead of memcpy and so on; for others the Makefile does it. */
void *tsan_memcpy(void *to, const void *from, size_t size);
void *tsan_memcpy(void *to, const void *from, size_t size)
{
    plain(OP_READ, from, size);
    plain(OP_WRITE, to, size);
    return memcpy(to, from, size);
}

void *tsan_memmove(void *to, const void *from, size_t size);
void *tsan_memmove(void *to, const void *from, size_t size)
{
    plain(OP_READ, from, size);
    plain(OP_WRITE, to, size);
    return memmove(to, from, size);
}

void *tsan_memset(void *to, int byte, size_t size);
void *tsan_memset(void *to, int byte, size_t size)
{
    plain(OP_WRITE, to, size);
    return memset(to, byte, size);
}

/* --- what needs no answer
 * ------------------------------------------------------------------------*/

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

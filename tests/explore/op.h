/* SPDX-License-Identifier: MIT */
/* One operation of a thread under exploration, as the compiler announced it and as it went. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Values of any size up to 16 bytes, zero-extended. */
typedef unsigned __int128 value_t;

enum op_kind {
    OP_LOAD,
    OP_STORE,
    OP_EXCHANGE,
    OP_ADD,
    OP_SUB,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_NAND,
    OP_CAS,
    OP_FENCE,
    OP_COMMIT, /* the oldest store leaves the buffer */
    OP_READ,   /* plain */
    OP_WRITE,  /* plain */
};

struct op {
    enum op_kind kind;
    int order;         /* __ATOMIC_... */
    int failure_order; /* OP_CAS */
    unsigned size;     /* bytes; up to 16 unless plain; 0: touches no memory */
    uintptr_t address;
    uintptr_t pc;     /* where the announcement returns to */
    uint64_t state;   /* of the thread's registers and stack */
    value_t operand;  /* stored, or the right-hand side */
    value_t expected; /* OP_CAS */
    /* Set when it is done: */
    value_t old; /* what was there */
    value_t new; /* what is there; or will be, when it leaves the buffer */
    bool failed; /* OP_CAS */
};

static inline bool op_is_plain(const struct op *op)
{
    return op->kind == OP_READ || op->kind == OP_WRITE;
}

/* May it change memory, as far as is known before it is done? */
static inline bool op_may_write(const struct op *op)
{
    return op->kind != OP_LOAD && op->kind != OP_READ && op->kind != OP_FENCE;
}

/* Has it a store in it that must not wait in a buffer, or is it the fence that waits for one? */
static inline bool op_is_locked(const struct op *op)
{
    return (op->kind >= OP_EXCHANGE && op->kind <= OP_CAS) ||
           ((op->kind == OP_STORE || op->kind == OP_FENCE) && op->order == __ATOMIC_SEQ_CST);
}

static inline bool op_overlaps(const struct op *op, uintptr_t address, unsigned size)
{
    return op->address < address + size && address < op->address + op->size;
}

static inline bool order_acquires(int order)
{
    return order != __ATOMIC_RELAXED && order != __ATOMIC_RELEASE;
}

static inline bool order_releases(int order)
{
    return order >= __ATOMIC_RELEASE;
}

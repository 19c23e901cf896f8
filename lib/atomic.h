/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations on plain integers of 16, 32 and 64 bits. Read-modify-writes are sequentially
 * consistent, as the machine's locked instructions are; loads and stores say what they promise.
 */
#pragma once

/* The value alone: nothing else is ordered by these. */
#define atomic_peek(address)        __atomic_load_n(address, __ATOMIC_RELAXED)
#define atomic_poke(address, value) __atomic_store_n(address, value, __ATOMIC_RELAXED)

/* What was written before the store is seen by whoever loads its value. */
#define atomic_load(address)         __atomic_load_n(address, __ATOMIC_ACQUIRE)
#define atomic_store(address, value) __atomic_store_n(address, value, __ATOMIC_RELEASE)

/* A load that stays behind the read-modify-writes before it. */
#define atomic_recheck(address) __atomic_load_n(address, __ATOMIC_SEQ_CST)

/* These return the value before. */
#define atomic_add(address, value)      __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST)
#define atomic_sub(address, value)      __atomic_fetch_sub(address, value, __ATOMIC_SEQ_CST)
#define atomic_or(address, value)       __atomic_fetch_or(address, value, __ATOMIC_SEQ_CST)
#define atomic_and(address, value)      __atomic_fetch_and(address, value, __ATOMIC_SEQ_CST)
#define atomic_exchange(address, value) __atomic_exchange_n(address, value, __ATOMIC_SEQ_CST)

/* Stores `value` iff *address == *expected, and returns true; else reads *address into *expected.
 */
#define atomic_cas(address, expected, value) \
    __atomic_compare_exchange_n(address, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* The compiler moves no memory access across; enough between code and its own interrupts. */
#define atomic_compiler_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

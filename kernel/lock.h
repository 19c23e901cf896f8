/* SPDX-License-Identifier: MIT */
/*
 * Spin locks: fair, with an owner. A lock is a queue in front of a counter: who comes takes a
 * ticket, and is served when its number is called. What the lock asks of its world (who am I, may I
 * be interrupted) is in lock_home.h, found by include path.
 *
 * Every lock has a rank; a CPU takes locks in ascending ranks only, so no cycle of waiters can
 * form. A lock that interrupt handlers take is taken with interrupts off everywhere. NMI and
 * machine check handlers take none. Debug builds check all that, whether or not it would have gone
 * wrong this time, and report who holds a lock too long.
 *
 * While a CPU waits with interrupts off it serves what lock_set_service() registered, so that it
 * can wait for a CPU which waits for its answer.
 */
#pragma once

#include <lock_home.h>

#include <stdbool.h>
#include <stdint.h>

/* The lock order: from the outermost to the innermost. */
enum lock_rank {
    LOCK_OUTER = 1, /* of tests and benchmarks */
    LOCK_SHRINKERS, /* of the kernel heap, while they run */
    LOCK_CACHES,    /* the list of object caches */
    LOCK_CACHE,     /* one of them */
    LOCK_HEAP,      /* the slow path of the kernel heap */
    LOCK_DMA,       /* the records of KM_DMA32 blocks */
    LOCK_ASPACE,    /* regions and page tables of an address space */
    LOCK_VMALLOC,   /* the blocks of vmalloc */
    LOCK_LOG,
    LOCK_CONSOLE,
    LOCK_RANKS,
};

#define LOCK_NOBODY UINT32_MAX

struct lock {
    uint32_t next;    /* the ticket of who comes next; atomic */
    uint32_t serving; /* the ticket of the holder; atomic, written by the holder */
    uint32_t owner;   /* the CPU that holds it, or LOCK_NOBODY; atomic, written by the holder */
    uint8_t rank;     /* enum lock_rank */
    uint8_t contexts; /* debug: in which it was ever taken */
    /* The holder's: */
    uint64_t contended; /* how often somebody had to wait for it */
    uint64_t taken_at;  /* debug: lock_home_clock() */
    uint64_t longest;   /* debug: ticks between taking and releasing it */
    struct lock *outer; /* what it took before this one, and still holds */
    /* Written by lock_init() only: */
    const char *name;
    struct lock *listed; /* the next in the list of all locks */
};

/* A lock that nobody holds, shown by `locks` from now on: it lasts as long as the kernel. Doing it
 * again is harmless while nobody holds it. `name` is kept. */
void lock_init(struct lock *lock, const char *name, enum lock_rank rank);

/* Called again and again by who waits for a lock with interrupts off. It takes no lock. */
void lock_set_service(void (*service)(void));

/* Visits all locks. */
void lock_visit(void (*visit)(const struct lock *lock));

/* The innermost lock that this CPU holds, or NULL; and the end of what it took since, for who
 * abandons the function that did. */
static inline struct lock *lock_held(void)
{
    return lock_home_held();
}
void lock_release_down_to(struct lock *held);

/* The slow ways, for the functions below. */
void lock_wait_(struct lock *lock, uint32_t ticket);
void lock_forget_(struct lock *lock);
void lock_check_take_(struct lock *lock);
void lock_check_taken_(struct lock *lock);
uint64_t lock_check_release_(struct lock *lock); /* ticks to complain about, or 0 */
void lock_complain_(const struct lock *lock, uint64_t ticks);

/* Returns when this CPU holds the lock. */
static inline void lock_take(struct lock *lock)
{
    if (LOAM_DEBUG)
        lock_check_take_(lock);
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    if (__builtin_expect(__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket, false))
        lock_wait_(lock, ticket);
    __atomic_store_n(&lock->owner, lock_home_cpu(), __ATOMIC_RELAXED);
    lock->outer = lock_home_held();
    __atomic_signal_fence(__ATOMIC_RELEASE); /* an interrupt handler may end in fault_try() */
    lock_home_hold(lock);
    if (LOAM_DEBUG)
        lock_check_taken_(lock);
}

/* Precondition: this CPU holds the lock. */
static inline void lock_release(struct lock *lock)
{
    uint64_t too_long = LOAM_DEBUG ? lock_check_release_(lock) : 0;
    if (__builtin_expect(lock_home_held() == lock, true))
        lock_home_hold(lock->outer);
    else
        lock_forget_(lock);
    __atomic_store_n(&lock->owner, LOCK_NOBODY, __ATOMIC_RELAXED);
    uint32_t served = __atomic_load_n(&lock->serving, __ATOMIC_RELAXED);
    __atomic_store_n(&lock->serving, served + 1, __ATOMIC_RELEASE);
    if (too_long != 0)
        lock_complain_(lock, too_long);
}

/* The same with interrupts off in between: returns whether they were on, for lock_release_irq(). */
static inline bool lock_take_irq(struct lock *lock)
{
    bool were_on = lock_home_interrupts_are_on();
    lock_home_interrupts_off();
    lock_take(lock);
    return were_on;
}

static inline void lock_release_irq(struct lock *lock, bool were_on)
{
    lock_release(lock);
    if (were_on)
        lock_home_interrupts_on();
}

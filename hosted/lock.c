/* SPDX-License-Identifier: MIT */
/*
 * A lock over futex, the kernel's wait on a word (after Drepper, Futexes are tricky, 2011). Holder
 * and state are one word, so that a signal never meets a lock that is taken by nobody.
 */
#include "hosted/lock.h"

#include <stdbool.h>

#include "hosted/linux.h"

#define SLEEPERS ((uintptr_t)1)

static bool change(struct lock *lock, uintptr_t from, uintptr_t to)
{
    return __atomic_compare_exchange_n(&lock->holder, &from, to, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Who had to wait does not know whether others still do. The kernel looks at the lower half of the
 * word only: that with the flag. */
static void wait_and_take(struct lock *lock, uintptr_t self)
{
    while (!change(lock, 0, self | SLEEPERS)) {
        uintptr_t holder = __atomic_load_n(&lock->holder, __ATOMIC_RELAXED);
        if (holder != 0 && ((holder & SLEEPERS) != 0 || change(lock, holder, holder | SLEEPERS)))
            linux_futex(&lock->holder, FUTEX_WAIT, (uint32_t)(holder | SLEEPERS));
    }
}

void lock_take(struct lock *lock, uintptr_t self)
{
    uintptr_t holder = __atomic_load_n(&lock->holder, __ATOMIC_RELAXED);
    if ((holder & ~SLEEPERS) == self)
        lock->depth++;
    else if (!change(lock, 0, self))
        wait_and_take(lock, self);
}

void lock_release(struct lock *lock)
{
    if (lock->depth > 0)
        lock->depth--;
    else if ((__atomic_exchange_n(&lock->holder, 0, __ATOMIC_RELEASE) & SLEEPERS) != 0)
        linux_futex(&lock->holder, FUTEX_WAKE, 1);
}

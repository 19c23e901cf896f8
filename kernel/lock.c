/* SPDX-License-Identifier: MIT */
/* Spin locks: waiting, and the checks of debug builds. */
#include "kernel/lock.h"

#include <stddef.h>

#include "kernel/panic.h"

/* Bits of lock.contexts. */
enum { TAKEN_INTERRUPTIBLE = 1, TAKEN_IN_INTERRUPT = 2 };

static struct lock listing = {.name = "list of locks", .rank = LOCK_RANKS}; /* guards `all` */
static struct lock *all;
static void (*service)(void);

static bool is_listed(const struct lock *lock)
{
    for (const struct lock *other = all; other != NULL; other = other->listed)
        if (other == lock)
            return true;
    return false;
}

void lock_init(struct lock *lock, const char *name, enum lock_rank rank)
{
    bool were_on = lock_take_irq(&listing);
    bool is_new = !is_listed(lock);
    *lock =
        (struct lock){.rank = (uint8_t)rank, .name = name, .listed = is_new ? all : lock->listed};
    if (is_new)
        all = lock;
    lock_release_irq(&listing, were_on);
}

void lock_visit(void (*visit)(const struct lock *lock))
{
    for (const struct lock *lock = all; lock != NULL; lock = lock->listed)
        visit(lock);
}

void lock_set_service(void (*function)(void))
{
    service = function;
}

void lock_release_down_to(struct lock *held)
{
    while (lock_held() != held)
        lock_release(lock_held());
}

/* Taken in the order 1, 2 and released in the order 1, 2: takes the outer one out of the chain. */
void lock_forget_(struct lock *lock)
{
    for (struct lock *inner = lock_home_held(); inner != NULL; inner = inner->outer) {
        if (inner->outer == lock) {
            inner->outer = lock->outer;
            return;
        }
    }
    panic("the lock of the %s is released by CPU %u, which does not hold it", lock->name,
          lock_home_id() - 1);
}

void lock_wait_(struct lock *lock, uint32_t ticket)
{
    bool serve = service != NULL && !lock_home_interrupts_are_on();
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == lock_home_id())
        panic("CPU %u waits for the lock of the %s, which it holds", lock_home_id() - 1,
              lock->name);
    while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
        if (serve)
            service();
        asm_pause();
    }
    lock->contended++;
}

/* Debug builds */

void lock_check_take_(struct lock *lock)
{
    (void)lock;
}

void lock_check_taken_(struct lock *lock)
{
    (void)lock;
}

void lock_check_release_(struct lock *lock)
{
    (void)lock;
}

/* SPDX-License-Identifier: MIT */
/* Spin locks: waiting, and the checks of debug builds. */
#include "kernel/lock.h"

#include <stddef.h>

#include "kernel/log.h"
#include "kernel/panic.h"

/* Ticks of the clock. An emulated CPU is held up for some 100 ms when its host is busy. */
#define LOCK_TOO_LONG ((uint64_t)10 * 1000 * 1000 * 1000)
#define LOCK_STUCK    (10 * LOCK_TOO_LONG)

/* Bits of lock.contexts. */
enum { TAKEN_INTERRUPTIBLE = 1, TAKEN_IN_INTERRUPT = 2 };

static struct lock listing = {
    .name = "list of locks", .rank = LOCK_RANKS, .owner = LOCK_NOBODY}; /* guards `all` */
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
    *lock = (struct lock){.owner = LOCK_NOBODY,
                          .rank = (uint8_t)rank,
                          .name = name,
                          .listed = is_new ? all : lock->listed};
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
    panic("CPU %u releases the lock of the %s, which it does not hold", lock_home_cpu(),
          lock->name);
}

/* What a waiting CPU has seen. */
struct watch {
    uint32_t serving;
    uint64_t since;
};

static void check_progress(const struct lock *lock, uint32_t serving, struct watch *watch)
{
    uint64_t now = lock_home_clock();
    if (serving != watch->serving)
        *watch = (struct watch){serving, now};
    else if (now - watch->since > LOCK_STUCK)
        panic("CPU %u waits for the lock of the %s, which CPU %d (-1: nobody) holds for too long",
              lock_home_cpu(), lock->name, (int)__atomic_load_n(&lock->owner, __ATOMIC_RELAXED));
}

static uint32_t serving_of(const struct lock *lock)
{
    return __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE);
}

void lock_wait_(struct lock *lock, uint32_t ticket)
{
    bool serve = service != NULL && !lock_home_interrupts_are_on();
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == lock_home_cpu())
        panic("CPU %u waits for the lock of the %s, which it holds", lock_home_cpu(), lock->name);
    struct watch watch = {.serving = ticket};
    for (uint32_t serving = serving_of(lock); serving != ticket; serving = serving_of(lock)) {
        if (serve)
            service();
        if (LOAM_DEBUG)
            check_progress(lock, serving, &watch);
        lock_home_pause();
    }
    lock->contended++;
}

/* Debug builds */

void lock_check_take_(struct lock *lock)
{
    if (lock->name == NULL)
        panic("the lock at 0x%lx was never initialised", (uintptr_t)lock);
    if (lock_home_context() == LOCK_IN_NMI)
        panic("the lock of the %s is taken by an NMI or machine check, which may interrupt anybody",
              lock->name);
    const struct lock *held = lock_held(); /* since all keep to the order, the highest */
    if (held != NULL && held->rank >= lock->rank)
        panic("the lock of the %s (rank %u) is taken inside that of the %s (rank %u)", lock->name,
              lock->rank, held->name, held->rank);
}

void lock_check_taken_(struct lock *lock)
{
    if (lock_home_interrupts_are_on())
        lock->contexts |= TAKEN_INTERRUPTIBLE;
    if (lock_home_context() == LOCK_IN_INTERRUPT)
        lock->contexts |= TAKEN_IN_INTERRUPT;
    if (lock->contexts == (TAKEN_INTERRUPTIBLE | TAKEN_IN_INTERRUPT))
        panic("the lock of the %s is taken by interrupt handlers, and with interrupts on",
              lock->name);
    lock->taken_at = lock_home_clock();
}

uint64_t lock_check_release_(struct lock *lock)
{
    if (lock->owner == LOCK_NOBODY)
        panic("CPU %u releases the lock of the %s, which nobody holds", lock_home_cpu(),
              lock->name);
    if (lock->owner != lock_home_cpu())
        panic("CPU %u releases the lock of the %s, which CPU %u holds", lock_home_cpu(), lock->name,
              lock->owner);
    uint64_t ticks = lock_home_clock() - lock->taken_at;
    if (ticks <= lock->longest)
        return 0;
    lock->longest = ticks;
    return ticks > LOCK_TOO_LONG ? ticks : 0;
}

void lock_complain_(const struct lock *lock, uint64_t ticks)
{
    log_print("lock", "that of the %s was held for %lu million ticks by CPU %u", lock->name,
              ticks / 1000000, lock_home_cpu());
}

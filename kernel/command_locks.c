/* SPDX-License-Identifier: MIT */
/* The prompt command about locks. */
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/lock.h"

static unsigned rank; /* whose locks are shown */

static void show(const struct lock *lock)
{
    if (lock->rank != rank)
        return;
    uint32_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    console_print("%4u  %-20s %10u  %9lu", lock->rank, lock->name, lock->serving, lock->contended);
    if (LOAM_DEBUG)
        console_print("  %12lu", lock->longest);
    if (owner != LOCK_NOBODY)
        console_print("  held by CPU %u", owner);
    console_print("\n");
}

static bool show_locks(int argc, char **argv)
{
    (void)argc, (void)argv;
    console_print("rank  lock                     taken  contended%s\n",
                  LOAM_DEBUG ? "  longest hold" : "");
    for (rank = 1; rank < LOCK_RANKS; rank++)
        lock_visit(show);
    return true;
}

const struct command command_locks[] = {
    {"locks", "", "all locks, outermost first, and how often a CPU had to wait", 0, 0, show_locks},
    {0},
};

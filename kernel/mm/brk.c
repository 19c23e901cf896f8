/* SPDX-License-Identifier: MIT */
/* The break, and its little sister for the heap's table: regions that grow at their end. */
#include "kernel/mm/brk.h"

#include "kernel/memlayout.h"
#include "kernel/mm/aspace.h"
#include "lib/bits.h"

/* [start, now) is in use, [now, end) is window. */
struct brk {
    uintptr_t start, now, end;
};

static struct aspace *space;
static struct brk arena, table, marks;

void brk_init(struct aspace *kernel_space)
{
    space = kernel_space;
    arena = (struct brk){MEMLAYOUT_BRK_START, MEMLAYOUT_BRK_START, MEMLAYOUT_BRK_END};
    table = (struct brk){MEMLAYOUT_HEAP_TABLE_START, MEMLAYOUT_HEAP_TABLE_START,
                         MEMLAYOUT_HEAP_MARKS_START};
    marks = (struct brk){MEMLAYOUT_HEAP_MARKS_START, MEMLAYOUT_HEAP_MARKS_START,
                         MEMLAYOUT_HEAP_TABLE_END};
}

/* Moves the end of `brk` to `end`. False changes nothing. */
static bool move(struct brk *brk, uintptr_t end)
{
    uintptr_t have = bits_round_up(brk->now, PAGE_SIZE), want = bits_round_up(end, PAGE_SIZE);
    if (want > have && aspace_overlaps(space, have, want))
        return false;
    if (want > have && aspace_map(space, have, want, PAGE_READ | PAGE_WRITE | PAGE_GLOBAL) != 0)
        return false;
    if (want < have && aspace_unmap(space, want, have) != 0)
        return false;
    brk->now = end;
    return true;
}

void *ksbrk(intptr_t delta)
{
    bool were_on = lock_take_irq(&aspace_lock);
    uintptr_t previous = arena.now;
    bool fits = delta < 0 ? -(uintptr_t)delta <= previous - arena.start
                          : (uintptr_t)delta <= arena.end - previous;
    if (!fits || !move(&arena, previous + (uintptr_t)delta))
        previous = (uintptr_t)-1;
    lock_release_irq(&aspace_lock, were_on);
    return (void *)previous;
}

void *brk_reserve(size_t bytes, size_t align)
{
    bool were_on = lock_take_irq(&aspace_lock);
    uintptr_t start = bits_round_up(bits_round_up(arena.now, PAGE_SIZE), align);
    if (start > arena.end || bytes > arena.end - start ||
        aspace_map(space, start, start + bytes,
                   PAGE_READ | PAGE_WRITE | PAGE_GLOBAL | ASPACE_SPARSE) != 0)
        start = (uintptr_t)-1;
    else
        arena.now = start + bytes;
    lock_release_irq(&aspace_lock, were_on);
    return (void *)start;
}

bool brk_back(uintptr_t start, size_t bytes)
{
    bool were_on = lock_take_irq(&aspace_lock);
    int error = aspace_back(space, start, start + bytes);
    lock_release_irq(&aspace_lock, were_on);
    return error == 0;
}

void brk_drop(uintptr_t start, size_t bytes)
{
    bool were_on = lock_take_irq(&aspace_lock);
    aspace_drop(space, start, start + bytes);
    lock_release_irq(&aspace_lock, were_on);
}

/* Makes the first `bytes` of `brk` usable; what is stays so. */
static bool extend(struct brk *brk, size_t bytes)
{
    if (bytes > brk->end - brk->start)
        return false;
    return brk->start + bytes <= brk->now || move(brk, brk->start + bytes);
}

bool brk_extend_table(size_t bytes)
{
    bool were_on = lock_take_irq(&aspace_lock);
    bool done = extend(&table, bytes);
    lock_release_irq(&aspace_lock, were_on);
    return done;
}

bool brk_extend_marks(size_t bytes)
{
    bool were_on = lock_take_irq(&aspace_lock);
    bool done = extend(&marks, bytes);
    lock_release_irq(&aspace_lock, were_on);
    return done;
}

/* SPDX-License-Identifier: MIT */
/* The list of shrinkers. Its lock is held while they run, so that none is removed meanwhile. */
#include "kernel/mm/kmalloc_shrink.h"

#include "kernel/lock.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/panic.h"

static struct lock lock;
static struct kmalloc_shrinker *shrinkers;

void kmalloc_shrink_init(void)
{
    lock_init(&lock, "shrinkers", LOCK_SHRINKERS);
    shrinkers = NULL;
}

void kmalloc_add_shrinker(struct kmalloc_shrinker *shrinker)
{
    lock_take(&lock);
    shrinker->next = shrinkers;
    shrinkers = shrinker;
    lock_release(&lock);
}

void kmalloc_remove_shrinker(struct kmalloc_shrinker *shrinker)
{
    lock_take(&lock);
    struct kmalloc_shrinker **link = &shrinkers;
    while (*link != NULL && *link != shrinker)
        link = &(*link)->next;
    if (*link == NULL)
        panic("the shrinker at %p is not registered", (void *)shrinker);
    *link = shrinker->next;
    lock_release(&lock);
}

size_t kmalloc_shrink(size_t bytes)
{
    size_t sum = 0;
    lock_take(&lock);
    for (struct kmalloc_shrinker *shrinker = shrinkers; shrinker != NULL; shrinker = shrinker->next)
        sum += shrinker->shrink(shrinker, bytes);
    lock_release(&lock);
    return sum;
}

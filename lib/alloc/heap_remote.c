/* SPDX-License-Identifier: MIT */
/* Takes objects freed by others than their owners and gives them back in chains. */
#include "lib/alloc/heap_remote.h"

#include "lib/alloc/heap_misuse.h"
#include "lib/alloc/heap_slab.h"

/* Tells the owner of a slab that slept until now. */
static void push_woken(struct heap_world *world, struct heap_slice *slab)
{
    struct heap *owner = heap_owner(slab);
    if (owner->world != world)
        heap_refuse(world, slab->start, NULL, "the slab at %p is damaged", (void *)slab->start);
    uint32_t index = heap_slice_index(world, slab);
    uint32_t first = __atomic_load_n(&owner->woken, __ATOMIC_RELAXED);
    do
        slab->next = first;
    while (!__atomic_compare_exchange_n(&owner->woken, &first, index, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    __atomic_fetch_add(&world->wakes, 1, __ATOMIC_RELAXED);
}

/* Releases the links to the owner, and acquires from it the slab's own link if it sleeps. */
void heap_remote_hand_over(struct heap_world *world, struct heap_batch *batch)
{
    struct heap_slice *slab = batch->slab;
    uintptr_t before = __atomic_load_n(&slab->remote, __ATOMIC_RELAXED);
    do
        *(uintptr_t *)batch->last = heap_link(world, batch->last, before & ~HEAP_WAKE_ME);
    while (!__atomic_compare_exchange_n(&slab->remote, &before, batch->first, true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    batch->slab = NULL;
    if ((before & HEAP_WAKE_ME) != 0)
        push_woken(world, slab);
}

void heap_remote_begin(struct heap *heap, struct heap_batch *batch, struct heap_slice *slab,
                       uintptr_t object)
{
    if (batch->slab != NULL)
        heap_remote_hand_over(heap->world, batch);
    *batch = (struct heap_batch){slab, object, object, HEAP_BATCH - 1};
    *(uintptr_t *)object = heap_link(heap->world, object, 0);
}

void heap_remote_flush(struct heap *heap)
{
    for (unsigned i = 0; i < HEAP_PENDING; i++)
        if (heap->pending[i].slab != NULL)
            heap_remote_hand_over(heap->world, &heap->pending[i]);
}

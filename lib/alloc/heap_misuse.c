/* SPDX-License-Identifier: MIT */
/* Takes a pointer that the heap does not accept, and panics with all that is known about it. */
#include "lib/alloc/heap_misuse.h"
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"

static _Noreturn void points_into_slab(const struct heap *heap, const void *pointer,
                                       const struct heap_slice *slab)
{
    const struct heap_class *class = &heap->classes[slab->class];
    uintptr_t offset = (uintptr_t)pointer - heap_slice_start(slab);
    uintptr_t object = offset / class->size, inside = offset % class->size;
    if (slab->class == HEAP_RECORDS)
        heap_port_panic("%p lies among the heap's own records", pointer);
    if (object >= class->capacity)
        heap_port_panic("%p lies behind the last block of a slab of %u-byte blocks", pointer,
                        class->size);
    bool live = bits_test(slab->map, object);
    if (inside == 0 && !live)
        heap_port_panic("%p is already free, a block of %u bytes", pointer, class->size);
    heap_port_panic("%p points %zu bytes into a %s block of %u bytes at %p", pointer,
                    (size_t)inside, live ? "live" : "free", class->size,
                    (const void *)((uintptr_t)pointer - inside));
}

void heap_misuse(const struct heap *heap, const void *pointer)
{
    uintptr_t address = (uintptr_t)pointer;
    const struct heap_slice *slice = heap_slice_find(heap, address);
    if (slice != NULL && slice->used != 0)
        points_into_slab(heap, pointer, slice);
    if (slice != NULL)
        heap_port_panic("%p is already free, as is all of its slab", pointer);
    const struct heap_record *record = heap_large_find(heap, address);
    if (record != NULL)
        heap_port_panic("%p points %zu bytes into a live block of %zu bytes at %p", pointer,
                        (size_t)(address - record->node.key), record->bytes,
                        (const void *)record->node.key);
    heap_port_panic("%p is not a heap pointer, or its block is already free and unmapped", pointer);
}

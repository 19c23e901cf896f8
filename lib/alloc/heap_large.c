/* SPDX-License-Identifier: MIT */
/* Large blocks: each is a mapping of the port's, described by a record outside of it. */
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"

_Static_assert(sizeof(struct heap_record) % HEAP_MIN_ALIGN == 0, "records fill their slabs");

void heap_large_init(struct heap *heap)
{
    struct heap_class *class = &heap->classes[HEAP_RECORDS];
    *class = (struct heap_class){.size = sizeof(struct heap_record)};
    class->capacity = (uint32_t)(HEAP_SLICE_SIZE / sizeof(struct heap_record));
    list_init(&class->partial);
    heap->large = NULL;
    heap->large_count = 0;
    heap->large_bytes = 0;
}

size_t heap_large_bytes(size_t size)
{
    return bits_round_up(size == 0 ? 1 : size, HEAP_PAGE);
}

static void free_record(struct heap *heap, struct heap_record *record)
{
    struct heap_slice *slab = heap_slice_find(heap, (uintptr_t)record);
    size_t offset = (uintptr_t)record - heap_slice_start(slab);
    heap_slab_free(heap, slab, (unsigned)(offset / sizeof *record));
}

void *heap_large_alloc(struct heap *heap, size_t size, size_t align)
{
    size_t bytes = heap_large_bytes(size);
    struct heap_record *record = heap_slab_alloc(heap, HEAP_RECORDS, HEAP_MIN_ALIGN);
    if (record == NULL)
        return NULL;
    void *block = heap_port_map(bytes, align < HEAP_PAGE ? HEAP_PAGE : align);
    if (block == NULL) {
        free_record(heap, record);
        return NULL;
    }
    *record = (struct heap_record){{.key = (uintptr_t)block}, .bytes = bytes, .align = align};
    tree_insert(&heap->large, &record->node);
    heap->large_count++;
    heap->large_bytes += bytes;
    return block;
}

struct heap_record *heap_large_find(const struct heap *heap, uintptr_t address)
{
    struct tree_node *node = tree_at_or_below(heap->large, address);
    if (node == NULL)
        return NULL;
    struct heap_record *record = container_of(node, struct heap_record, node);
    return address - node->key < record->bytes ? record : NULL;
}

void heap_large_shrink(struct heap *heap, struct heap_record *record, size_t size)
{
    size_t bytes = heap_large_bytes(size);
    size_t excess = record->bytes - bytes;
    if (excess == 0)
        return;
    heap_port_unmap((char *)record->node.key + bytes, excess);
    record->bytes = bytes;
    heap->large_bytes -= excess;
}

void heap_large_free(struct heap *heap, struct heap_record *record)
{
    tree_remove(&heap->large, &record->node);
    heap->large_count--;
    heap->large_bytes -= record->bytes;
    heap_port_unmap((void *)record->node.key, record->bytes);
    free_record(heap, record);
}

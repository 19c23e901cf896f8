/* SPDX-License-Identifier: MIT */
/* Takes mappings from the port for blocks too large for the arena, and finds them again. */
#include "lib/alloc/heap_huge.h"

#include "lib/alloc/heap_world.h"
#include "lib/bits.h"
#include "lib/list.h"

#define RECORDS_BYTES ((size_t)16384) /* mapped at once */

/* An unused record, taken out; NULL if there is no memory for more. */
static struct heap_huge *take_record(struct heap_world *world)
{
    heap_port_lock(world);
    struct heap_huge *record = world->records;
    if (record != NULL)
        world->records = record->next;
    heap_port_unlock(world);
    return record;
}

static void give_record(struct heap_world *world, struct heap_huge *record)
{
    heap_port_lock(world);
    record->next = world->records;
    world->records = record;
    heap_port_unlock(world);
}

static bool map_records(struct heap_world *world)
{
    if (!heap_world_take(world, RECORDS_BYTES))
        return false;
    struct heap_huge *records = heap_port_map(world, RECORDS_BYTES, HEAP_PAGE);
    if (records == NULL) {
        heap_world_return(world, RECORDS_BYTES);
        return false;
    }
    __atomic_add_fetch(&world->record_bytes, RECORDS_BYTES, __ATOMIC_RELAXED);
    for (size_t i = 0; i < RECORDS_BYTES / sizeof *records; i++)
        give_record(world, &records[i]);
    return true;
}

static struct heap_huge *find(struct heap_world *world, uintptr_t address)
{
    struct tree_node *node = tree_at_or_below(world->huge, address);
    if (node == NULL)
        return NULL;
    struct heap_huge *record = container_of(node, struct heap_huge, node);
    return address - node->key < record->bytes ? record : NULL;
}

static void insert(struct heap_world *world, struct heap_huge *record)
{
    heap_port_lock(world);
    tree_insert(&world->huge, &record->node);
    world->huge_count++;
    world->huge_bytes += record->bytes;
    heap_port_unlock(world);
}

/* Takes the record of the block that starts at `address` out of the index; NULL if there is none.
 */
static struct heap_huge *remove_locked(struct heap_world *world, uintptr_t address)
{
    struct heap_huge *record = find(world, address);
    if (record != NULL && record->node.key != address)
        record = NULL;
    if (record != NULL) {
        tree_remove(&world->huge, &record->node);
        world->huge_count--;
        world->huge_bytes -= record->bytes;
    }
    return record;
}

static struct heap_huge *remove(struct heap_world *world, uintptr_t address)
{
    heap_port_lock(world);
    struct heap_huge *record = remove_locked(world, address);
    heap_port_unlock(world);
    return record;
}

bool heap_huge_find(struct heap_world *world, uintptr_t address, struct heap_huge *found)
{
    heap_port_lock(world);
    const struct heap_huge *record = find(world, address);
    if (record != NULL)
        *found = *record;
    heap_port_unlock(world);
    return record != NULL;
}

size_t heap_huge_note(struct heap_world *world, uintptr_t address, size_t asked)
{
    heap_port_lock(world);
    struct heap_huge *record = find(world, address);
    size_t bytes = record == NULL ? 0 : record->bytes;
    if (record != NULL)
        record->asked = asked;
    heap_port_unlock(world);
    return bytes;
}

void *heap_huge_alloc(struct heap_world *world, size_t bytes, size_t align)
{
    struct heap_huge *record = take_record(world);
    while (record == NULL && map_records(world))
        record = take_record(world);
    if (record == NULL)
        return NULL;
    void *start = NULL;
    if (heap_world_take(world, bytes)) {
        start = heap_port_map(world, bytes, align);
        if (start == NULL)
            heap_world_return(world, bytes);
    }
    if (start == NULL) {
        give_record(world, record);
        return NULL;
    }
    *record = (struct heap_huge){{.key = (uintptr_t)start}, bytes, align, bytes, NULL};
    insert(world, record);
    return start;
}

static void unmap(struct heap_world *world, struct heap_huge *record)
{
    heap_port_unmap(world, (void *)record->node.key, record->bytes);
    heap_world_return(world, record->bytes);
    give_record(world, record);
}

bool heap_huge_free(struct heap_world *world, uintptr_t address)
{
    struct heap_huge *record = remove(world, address);
    if (record != NULL)
        unmap(world, record);
    return record != NULL;
}

bool heap_huge_leave(struct heap_world *world, uintptr_t address)
{
    heap_port_lock(world);
    struct heap_huge *record = remove_locked(world, address);
    if (record != NULL) {
        record->next = world->left_huge;
        __atomic_store_n(&world->left_huge, record, __ATOMIC_RELAXED);
    }
    heap_port_unlock(world);
    return record != NULL;
}

void heap_huge_free_left(struct heap_world *world)
{
    if (__atomic_load_n(&world->left_huge, __ATOMIC_RELAXED) == NULL)
        return;
    heap_port_lock(world);
    struct heap_huge *record = world->left_huge;
    __atomic_store_n(&world->left_huge, NULL, __ATOMIC_RELAXED);
    heap_port_unlock(world);
    while (record != NULL) {
        struct heap_huge *next = record->next;
        unmap(world, record);
        record = next;
    }
}

/* Resizes what `record`, which is in no index, describes. */
static bool resize(struct heap_world *world, struct heap_huge *record, size_t bytes)
{
    size_t from = record->bytes;
    if (bytes <= from) {
        if (bytes < from)
            heap_port_unmap(world, (char *)record->node.key + bytes, from - bytes);
        heap_world_return(world, from - bytes);
        record->bytes = bytes;
        record->asked = bytes;
        return true;
    }
    if (!heap_world_take(world, bytes - from))
        return false;
    void *start =
        heap_port_remap(world, (void *)record->node.key, from, bytes, record->align == HEAP_PAGE);
    if (start == NULL) {
        heap_world_return(world, bytes - from);
        return false;
    }
    record->node.key = (uintptr_t)start;
    record->bytes = bytes;
    record->asked = bytes;
    return true;
}

void *heap_huge_resize(struct heap_world *world, uintptr_t address, size_t bytes)
{
    struct heap_huge *record = remove(world, address);
    if (record == NULL)
        return NULL;
    bool done = resize(world, record, bytes);
    void *start = (void *)record->node.key;
    insert(world, record);
    return done ? start : NULL;
}

/* SPDX-License-Identifier: MIT */
/* Takes any address and says what the heap knows about it. */
#include "lib/alloc/heap_misuse.h"

#include <stdarg.h>

#include "lib/alloc/heap.h"
#include "lib/alloc/heap_checked.h"
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_huge.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/format.h"

#define SENTENCE 200

/* True iff `object` is in the list that starts with `first`. Stops at a link that leads astray. */
static bool is_listed(const struct heap_world *world, const struct heap_slice *slab,
                      uintptr_t first, uintptr_t object)
{
    size_t steps = HEAP_SLICE_SIZE / HEAP_MIN_ALIGN;
    while (first != 0 && steps-- > 0 && heap_slice_of(world, first) == slab) {
        if (first == object)
            return true;
        first = heap_link(world, first, *(const uintptr_t *)first);
    }
    return false;
}

/* True iff the object has never been linked, or not since its page was given back. */
static bool is_unlinked(const struct heap_world *world, const struct heap_slice *slab,
                        uintptr_t object)
{
    const struct heap *heap = heap_owner(slab);
    uintptr_t base = heap_slice_start(world, slab);
    uintptr_t last = object + heap_class_size(slab->size_class) - 1;
    bool is_current = heap->current[slab->size_class] == slab;
    return (slab->uncarved >> (object - base) / HEAP_PAGE & 1) != 0 ||
           (slab->uncarved >> (last - base) / HEAP_PAGE & 1) != 0 ||
           (is_current && object >= heap->bump[slab->size_class] &&
            object < heap->bump_end[slab->size_class]);
}

static bool is_live_object(const struct heap_world *world, const struct heap_slice *slab,
                           uintptr_t object)
{
    if (HEAP_CHECKED)
        return heap_checked_is_live(world, object);
    const struct heap *heap = heap_owner(slab);
    uintptr_t remote = __atomic_load_n(&slab->remote, __ATOMIC_RELAXED) & ~HEAP_WAKE_ME;
    return !is_unlinked(world, slab, object) && !is_listed(world, slab, slab->free, object) &&
           !is_listed(world, slab, remote, object) &&
           !is_listed(world, slab, heap->list[slab->size_class], object);
}

bool heap_is_live(struct heap_world *world, const void *block)
{
    const struct heap_slice *slice = heap_slice_of(world, (uintptr_t)block);
    return slice == NULL || heap_kind(slice) != HEAP_SLAB ||
           is_live_object(world, slice, (uintptr_t)block);
}

/* --- sentences --- */

/* What is known of the block, or room for one, that an address lies in. */
struct said {
    uintptr_t address, block;
    size_t size; /* asked for, if that is known; HEAP_NEVER: no block so far */
    bool is_live;
};

static size_t say_inside(char *text, size_t room, const struct said *said)
{
    void *address = (void *)said->address;
    if (said->size == HEAP_NEVER)
        return format_text(text, room, "%p was not allocated so far", address);
    if (said->address != said->block)
        return format_text(text, room, "%p points %zu bytes into a %s block of %zu bytes at %p",
                           address, (size_t)(said->address - said->block),
                           said->is_live ? "live" : "free", said->size, (void *)said->block);
    return format_text(text, room, "%p is %s block of %zu bytes", address,
                       said->is_live ? "a live" : "already free, a", said->size);
}

/* The same, where no class is to be told. */
static size_t say_large(char *text, size_t room, uintptr_t address, uintptr_t block, size_t size)
{
    return say_inside(text, room, &(struct said){address, block, size, true});
}

/* Adds ", class 48" to a sentence. */
static size_t say_class(char *text, size_t room, size_t length, const struct heap_slice *slab)
{
    if (length >= room)
        return length;
    return length + format_text(text + length, room - length, ", class %u",
                                heap_class_size(slab->size_class));
}

static size_t asked_size(const struct heap_world *world, const struct heap_slice *slab,
                         uintptr_t object)
{
    uint32_t size = heap_class_size(slab->size_class);
    if (is_unlinked(world, slab, object))
        return HEAP_NEVER;
    return HEAP_CHECKED ? heap_checked_last(world, object, size) : size;
}

static size_t say_slab(char *text, size_t room, const struct heap_world *world,
                       const struct heap_slice *slab, uintptr_t address)
{
    uint32_t size = heap_class_size(slab->size_class);
    if (address < slab->start)
        return format_text(text, room, "%p lies before the first block of a slab of %u-byte blocks",
                           (void *)address, size);
    uintptr_t object = heap_object_at(slab, address, size);
    struct said said = {address, object, asked_size(world, slab, object),
                        is_live_object(world, slab, object)};
    return say_class(text, room, say_inside(text, room, &said), slab);
}

static size_t say_run(char *text, size_t room, const struct heap_world *world,
                      const struct heap_slice *run, uintptr_t address)
{
    uintptr_t block = heap_slice_start(world, run);
    if (address - block >= run->bytes)
        return format_text(text, room, "%p lies behind the live block of %zu bytes at %p",
                           (void *)address, run->asked, (void *)block);
    return say_large(text, room, address, block, run->asked);
}

static size_t say_outside(char *text, size_t room, struct heap_world *world, uintptr_t address)
{
    struct heap_huge huge;
    if (heap_huge_find(world, address, &huge))
        return say_large(text, room, address, huge.node.key, huge.asked);
    return format_text(text, room,
                       "%p is not a heap pointer, or its block is already free and unmapped",
                       (void *)address);
}

size_t heap_explain(struct heap_world *world, const void *pointer, char *text, size_t room)
{
    uintptr_t address = (uintptr_t)pointer;
    const struct heap_slice *slice = heap_slice_of(world, address);
    if (slice == NULL)
        return say_outside(text, room, world, address);
    switch (heap_kind(slice)) {
    case HEAP_SLAB:
        return say_slab(text, room, world, slice, address);
    case HEAP_RUN:
        return say_run(text, room, world, slice, address);
    case HEAP_RUN_REST:
        return say_run(text, room, world, heap_slice_at(world, slice->next), address);
    case HEAP_OUTSIDE:
        return format_text(text, room, "%p is not a heap pointer: a gap in the arena",
                           (void *)address);
    default:
        return format_text(text, room, "%p is already free, as is all around it", (void *)address);
    }
}

void heap_misuse(struct heap_world *world, const void *pointer, const void *caller)
{
    char text[SENTENCE];
    heap_explain(world, pointer, text, sizeof text);
    heap_port_panic(caller, pointer, "%s", text);
}

void heap_refuse(const struct heap_world *world, uintptr_t block, const void *caller,
                 const char *format, ...)
{
    char text[SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_text_v(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct heap_slice *slice = heap_slice_of(world, block);
    if (slice != NULL && heap_kind(slice) == HEAP_SLAB && slice->size_class < HEAP_CLASSES)
        say_class(text, sizeof text, length, slice);
    heap_port_panic(caller, (void *)block, "%s", text);
}

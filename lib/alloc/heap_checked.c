/* SPDX-License-Identifier: MIT */
/* Takes blocks on their way out and back in, and sees what was done to them that should not be. */
#include "lib/alloc/heap_checked.h"

#include "lib/alloc/heap_misuse.h"
#include "lib/string.h"

/* --- marks --- */

static uint64_t *mark_word(const struct heap_world *world, uintptr_t address)
{
    return &world->marks[(address - world->arena) / HEAP_MIN_ALIGN / 64];
}

static uint64_t mark_bit(uintptr_t address)
{
    return (uint64_t)1 << address / HEAP_MIN_ALIGN % 64;
}

bool heap_checked_is_live(const struct heap_world *world, uintptr_t address)
{
    uint64_t word = __atomic_load_n(mark_word(world, address), __ATOMIC_RELAXED);
    return (word & mark_bit(address)) != 0;
}

/* --- what lies behind a block --- */

/* True iff all of [start, end) is `fill`; `end` is a multiple of 8. */
static bool is_filled(uintptr_t start, uintptr_t end, unsigned char fill)
{
    uint64_t word = fill * (uint64_t)0x0101010101010101;
    for (; start % 8 != 0 && start < end; start++)
        if (*(const unsigned char *)start != fill)
            return false;
    for (; start < end; start += 8)
        if (*(const uint64_t *)start != word)
            return false;
    return true;
}

/* The first byte from `start` on that is not `fill`; there is one. */
static const unsigned char *first_other(uintptr_t start, unsigned char fill)
{
    const unsigned char *at = (const unsigned char *)start;
    while (*at == fill)
        at++;
    return at;
}

static void fill_rest(uintptr_t start, uintptr_t end)
{
    if (start < end)
        memset((void *)start, HEAP_FILL_REST, end - start);
}

static _Noreturn void overflowed(const struct heap_world *world, uintptr_t start, size_t size,
                                 const void *at)
{
    heap_refuse(world, start, NULL,
                "the block of %zu bytes at %p was written to behind its end, at %p", size,
                (void *)start, at);
}

static void check_rest(const struct heap_world *world, uintptr_t start, size_t size, uintptr_t end)
{
    if (!is_filled(start + size, end, HEAP_FILL_REST))
        overflowed(world, start, size, first_other(start + size, HEAP_FILL_REST));
}

static void check_size(const struct heap_world *world, uintptr_t block, size_t asked, size_t size,
                       const void *caller)
{
    if (size != HEAP_ANY_SIZE && size != asked)
        heap_refuse(world, block, caller, "%p is a block of %zu bytes, freed as one of %zu",
                    (void *)block, asked, size);
}

/* --- objects --- */

static uint64_t *trailer(uintptr_t object, size_t room)
{
    return (uint64_t *)(object + room) - 1;
}

static uint64_t encode(const struct heap_world *world, uintptr_t object, size_t asked)
{
    return asked ^ object ^ world->secret;
}

size_t heap_checked_last(const struct heap_world *world, uintptr_t object, size_t room)
{
    return *trailer(object, room) ^ encode(world, object, 0);
}

size_t heap_checked_asked(const struct heap_world *world, uintptr_t object, size_t room)
{
    size_t asked = heap_checked_last(world, object, room);
    if (asked > room - sizeof(uint64_t))
        overflowed(world, object, room - sizeof(uint64_t), trailer(object, room));
    return asked;
}

void heap_checked_prepare(const struct heap_world *world, uintptr_t object, size_t room)
{
    memset((void *)object, HEAP_FILL_FREE, room);
    *trailer(object, room) = encode(world, object, HEAP_NEVER);
}

void heap_checked_reuse(const struct heap_world *world, uintptr_t object, size_t room)
{
    uintptr_t start = object + sizeof(uintptr_t), end = (uintptr_t)trailer(object, room);
    size_t asked = heap_checked_last(world, object, room);
    bool is_filled_still = is_filled(start, end, HEAP_FILL_FREE);
    bool is_known = asked <= room - sizeof(uint64_t);
    if (is_filled_still && (is_known || asked == HEAP_NEVER))
        return;
    uintptr_t at = is_filled_still ? end : (uintptr_t)first_other(start, HEAP_FILL_FREE);
    heap_refuse(world, object, NULL,
                "%p was written to while free: byte %zu of the block of %zu bytes at %p",
                (void *)at, (size_t)(at - object), is_known ? asked : room, (void *)object);
}

void heap_checked_resize(const struct heap_world *world, uintptr_t object, size_t room,
                         size_t asked)
{
    fill_rest(object + asked, (uintptr_t)trailer(object, room));
    *trailer(object, room) = encode(world, object, asked);
}

void heap_checked_out(struct heap_world *world, uintptr_t object)
{
    uint64_t bit = mark_bit(object);
    if ((__atomic_fetch_or(mark_word(world, object), bit, __ATOMIC_RELAXED) & bit) != 0)
        heap_refuse(world, object, NULL,
                    "%p is about to be given out, but is live: its slab is damaged",
                    (void *)object);
}

void heap_checked_end(const struct heap_world *world, uintptr_t object, size_t room)
{
    size_t asked = heap_checked_asked(world, object, room);
    check_rest(world, object, asked, (uintptr_t)trailer(object, room));
}

bool heap_checked_in(struct heap_world *world, uintptr_t object, size_t room, size_t size,
                     const void *caller)
{
    if (!heap_checked_is_live(world, object))
        return false;
    size_t asked = heap_checked_asked(world, object, room);
    check_rest(world, object, asked, (uintptr_t)trailer(object, room));
    check_size(world, object, asked, size, caller);
    uint64_t bit = mark_bit(object);
    if ((__atomic_fetch_and(mark_word(world, object), ~bit, __ATOMIC_RELAXED) & bit) == 0)
        return false;
    memset((void *)object, HEAP_FILL_FREE, room - sizeof(uint64_t));
    return true;
}

/* --- large blocks --- */

void heap_checked_large_out(uintptr_t block, size_t room, size_t asked)
{
    fill_rest(block + asked, block + room);
}

void heap_checked_large_in(const struct heap_world *world, uintptr_t block, size_t room,
                           size_t asked, size_t size, const void *caller)
{
    check_rest(world, block, asked, block + room);
    check_size(world, block, asked, size, caller);
}

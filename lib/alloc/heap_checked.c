/* SPDX-License-Identifier: MIT */
/* Takes blocks on their way out and back in, and sees what was done to them that should not be. */
#include "lib/alloc/heap_checked.h"

#include "lib/string.h"

/* --- marks --- */

#define MARK_WORDS (HEAP_SLICE_SIZE / HEAP_MIN_ALIGN / 64) /* of one slice */

static uint64_t *mark_word(const struct heap_world *world, const struct heap_slice *slice,
                           uintptr_t address)
{
    size_t word = address % HEAP_SLICE_SIZE / HEAP_MIN_ALIGN / 64;
    return &world->marks[heap_slice_index(world, slice) * MARK_WORDS + word];
}

static uint64_t mark_bit(uintptr_t address)
{
    return (uint64_t)1 << address / HEAP_MIN_ALIGN % 64;
}

bool heap_checked_is_live(const struct heap_world *world, const struct heap_slice *slice,
                          uintptr_t address)
{
    uint64_t word = __atomic_load_n(mark_word(world, slice, address), __ATOMIC_RELAXED);
    return (word & mark_bit(address)) != 0;
}

/* --- what lies behind a block --- */

/* The first byte of [start, end) that is not `fill`, or `end`. Mostly by words. */
static const unsigned char *first_other(const unsigned char *start, const unsigned char *end,
                                        unsigned char fill)
{
    uint64_t words = fill * (uint64_t)0x0101010101010101;
    while ((uintptr_t)start % 8 != 0 && start < end && *start == fill)
        start++;
    while ((uintptr_t)start % 8 == 0 && end - start >= 8 && *(const uint64_t *)start == words)
        start += 8;
    while (start < end && *start == fill)
        start++;
    return start;
}

static uint64_t encode(const struct heap_world *world, uintptr_t object, size_t asked)
{
    return asked ^ object ^ world->secret;
}

static uint64_t *trailer(uintptr_t object, size_t room)
{
    return (uint64_t *)(object + room) - 1;
}

static bool is_object(const struct heap_place *place)
{
    return place->slice != NULL && heap_kind(place->slice) == HEAP_SLAB;
}

/* Where the bytes end that say whether somebody wrote behind the block. */
static uintptr_t rest_end(const struct heap_place *place)
{
    return place->start + place->room - (is_object(place) ? sizeof(uint64_t) : 0);
}

static _Noreturn void overflowed(uintptr_t start, size_t size, const void *at)
{
    heap_port_panic(NULL, "the block of %zu bytes at %p was written to behind its end, at %p", size,
                    (void *)start, at);
}

size_t heap_checked_asked(const struct heap_world *world, uintptr_t object, size_t room)
{
    size_t asked = *trailer(object, room) ^ encode(world, object, 0);
    if (asked > room - sizeof(uint64_t))
        overflowed(object, room - sizeof(uint64_t), (const void *)trailer(object, room));
    return asked;
}

void heap_checked_ends(const struct heap_place *place)
{
    const unsigned char *end = (const unsigned char *)rest_end(place);
    const unsigned char *rest = (const unsigned char *)place->start + place->size;
    const unsigned char *other = first_other(rest, end, HEAP_FILL_REST);
    if (other != end)
        overflowed(place->start, place->size, other);
}

/* --- out and in --- */

void heap_checked_prepare(uintptr_t object, uint32_t size)
{
    memset((void *)object, HEAP_FILL_FREE, size);
}

void heap_checked_reuse(uintptr_t object, uint32_t size)
{
    const unsigned char *end = (const unsigned char *)object + size;
    const unsigned char *start = (const unsigned char *)object + sizeof(uintptr_t);
    const unsigned char *other = first_other(start, end, HEAP_FILL_FREE);
    if (other != end)
        heap_port_panic(
            NULL, "%p was written to while free: byte %zu of the block of %u bytes at %p",
            (const void *)other, (size_t)((uintptr_t)other - object), size, (void *)object);
}

void heap_checked_alloc(struct heap_world *world, const struct heap_place *place)
{
    uintptr_t rest = place->start + place->size, end = rest_end(place);
    if (rest < end)
        memset((void *)rest, HEAP_FILL_REST, end - rest);
    if (is_object(place))
        *trailer(place->start, place->room) = encode(world, place->start, place->size);
    if (place->slice != NULL)
        __atomic_fetch_or(mark_word(world, place->slice, place->start), mark_bit(place->start),
                          __ATOMIC_RELAXED);
}

bool heap_checked_free(struct heap_world *world, const struct heap_place *place)
{
    if (place->slice == NULL)
        return true;
    uint64_t bit = mark_bit(place->start);
    uint64_t *word = mark_word(world, place->slice, place->start);
    if ((__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED) & bit) == 0)
        return false;
    memset((void *)place->start, HEAP_FILL_FREE, place->room);
    return true;
}

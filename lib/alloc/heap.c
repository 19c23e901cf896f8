/* SPDX-License-Identifier: MIT */
/*
 * The heap's front: takes a size and an alignment and chooses between a slab of the right class, a
 * run and a mapping; takes a pointer and finds which of these it came from.
 */
#include "lib/alloc/heap.h"

#include "lib/alloc/heap_checked.h"
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_huge.h"
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_misuse.h"
#include "lib/alloc/heap_remote.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/string.h"

/* Sizes and alignments above are absurd: no sum of two overflows, and runs have 32-bit lengths. */
#define SIZE_LIMIT ((size_t)1 << 46)

/* --- from an address to its block --- */

static bool find_huge(struct heap_world *world, uintptr_t address, struct heap_place *place)
{
    struct heap_huge huge;
    if (!heap_huge_find(world, address, &huge) || huge.node.key != address)
        return false;
    *place = (struct heap_place){NULL, address, huge.bytes, huge.asked, huge.align};
    return true;
}

static bool find_object(struct heap_world *world, struct heap_slice *slab, uintptr_t address,
                        struct heap_place *place)
{
    size_t room = heap_class_size(slab->class);
    if (!heap_is_object(slab, address) ||
        (HEAP_CHECKED && !heap_checked_is_live(world, slab, address)))
        return false;
    size_t size = HEAP_CHECKED ? heap_checked_asked(world, address, room) : room;
    *place = (struct heap_place){slab, address, room, size, (size_t)1 << slab->align};
    return true;
}

/* Finds the block that starts at `block` and, as far as can be seen, is live. */
static bool find(struct heap_world *world, const void *block, struct heap_place *place)
{
    uintptr_t address = (uintptr_t)block;
    struct heap_slice *slice = heap_slice_of(world, address);
    if (slice == NULL)
        return find_huge(world, address, place);
    if (heap_kind(slice) == HEAP_SLAB)
        return find_object(world, slice, address, place);
    if (heap_kind(slice) != HEAP_RUN || address != heap_slice_start(world, slice))
        return false;
    *place =
        (struct heap_place){slice, address, slice->bytes, slice->asked, (size_t)1 << slice->align};
    return true;
}

static struct heap_place find_or_panic(struct heap_world *world, const void *block,
                                       const void *caller)
{
    struct heap_place place;
    if (!find(world, block, &place))
        heap_misuse(world, block, caller);
    return place;
}

size_t heap_size(struct heap_world *world, const void *block)
{
    return find_or_panic(world, block, __builtin_return_address(0)).size;
}

bool heap_owns(struct heap_world *world, const void *block)
{
    struct heap_place place;
    return find(world, block, &place) && heap_is_live(world, block);
}

/* --- allocation --- */

static void *alloc_small(struct heap *heap, const struct heap_request *request)
{
    size_t size = heap_object_size(request->size);
    unsigned index = heap_class_aligned(heap, size, request->align);
    void *block = heap_slab_alloc(size, heap, index);
    if (block == NULL)
        return NULL;
    if (HEAP_CHECKED)
        heap_checked_reuse((uintptr_t)block, heap_class_size(index));
    bool is_zero = heap_slab_is_fresh(heap, index) && !HEAP_CHECKED;
    if (request->zero)
        memset(block, 0, is_zero ? sizeof(uintptr_t) : heap_class_size(index));
    return block;
}

/* Notes how much was asked for of a block; returns how much there is. */
static size_t note_room(struct heap_world *world, struct heap_slice *slice, uintptr_t block,
                        size_t asked)
{
    if (slice == NULL)
        return heap_huge_note(world, block, asked);
    if (heap_kind(slice) == HEAP_SLAB)
        return heap_class_size(slice->class);
    slice->asked = asked;
    return slice->bytes;
}

static void note_asked(struct heap *heap, void *block, size_t asked)
{
    uintptr_t start = (uintptr_t)block;
    struct heap_slice *slice = heap_slice_of(heap->world, start);
    struct heap_place place = {.slice = slice, .start = start, .size = asked};
    place.room = note_room(heap->world, slice, start, asked);
    heap_checked_alloc(heap->world, &place);
}

static void *alloc(struct heap *heap, const struct heap_request *request)
{
    if (request->size > SIZE_LIMIT || request->align > SIZE_LIMIT)
        return NULL;
    bool is_small =
        heap_object_size(request->size) <= HEAP_SMALL_MAX && request->align <= HEAP_SMALL_MAX;
    void *block = is_small ? alloc_small(heap, request) : heap_large_alloc(heap, request);
    if (HEAP_DEBUG && block != NULL && !request->zero)
        memset(block, HEAP_FILL_ALLOC, request->size);
    if (HEAP_CHECKED && block != NULL)
        note_asked(heap, block, request->size);
    return block;
}

/* The heap of a thread that may have none yet; NULL if there is no memory for one. */
static struct heap *attached(struct heap *heap)
{
    return heap == &heap_none ? heap_port_attach() : heap;
}

void *heap_alloc_slow(size_t size, struct heap *heap)
{
    heap = attached(heap);
    if (heap == NULL)
        return NULL;
    struct heap_request request = {.size = size, .align = HEAP_MIN_ALIGN};
    return alloc(heap, &request);
}

void *heap_alloc_zeroed(struct heap *heap, size_t size)
{
    heap = attached(heap);
    if (heap == NULL)
        return NULL;
    struct heap_request request = {.size = size, .align = HEAP_MIN_ALIGN, .zero = true};
    return alloc(heap, &request);
}

/* Notes for realloc which alignment the block has to keep. */
static void note_align(struct heap *heap, void *block, size_t align)
{
    struct heap_slice *slab = heap_slice_of(heap->world, (uintptr_t)block);
    if (slab != NULL && heap_kind(slab) == HEAP_SLAB && align >> slab->align > 1)
        slab->align = (uint8_t)bits_lowest(align);
}

void *heap_alloc_aligned(struct heap *heap, size_t size, size_t align)
{
    if (!bits_is_power_of_two(align))
        heap_port_panic(__builtin_return_address(0), "%zu is not an alignment: not a power of two",
                        align);
    heap = attached(heap);
    if (heap == NULL)
        return NULL;
    struct heap_request request = {.size = size, .align = bits_max(align, HEAP_MIN_ALIGN)};
    void *block = alloc(heap, &request);
    if (block != NULL && align > HEAP_MIN_ALIGN)
        note_align(heap, block, align);
    return block;
}

/* --- freeing --- */

#define ANY_SIZE SIZE_MAX

static void free_object(struct heap *heap, struct heap_slice *slab, uintptr_t object,
                        const void *caller)
{
    if (slab->owner != heap)
        heap_remote_free(heap, slab, object);
    else if (slab->free == object)
        heap_misuse(heap->world, (void *)object, caller);
    else
        heap_slab_free(heap, slab, object);
}

/* Checked builds: everything about the block, and the size with which it comes back. */
static void check_free(struct heap_world *world, const struct heap_place *place, size_t size,
                       const void *caller)
{
    heap_checked_ends(place);
    if (size != ANY_SIZE && size != place->size)
        heap_port_panic(caller, "%p is a block of %zu bytes, freed as one of %zu",
                        (void *)place->start, place->size, size);
    if (!heap_checked_free(world, place))
        heap_misuse(world, (void *)place->start, caller);
}

static void free_block(struct heap *heap, void *block, size_t size, const void *caller)
{
    struct heap_world *world = heap->world;
    heap->mask = heap_world_mask(world);
    struct heap_place place = find_or_panic(world, block, caller);
    if (HEAP_CHECKED)
        check_free(world, &place, size, caller);
    if (place.slice != NULL && heap_kind(place.slice) == HEAP_SLAB)
        free_object(heap, place.slice, place.start, caller);
    else if (!heap_large_free(heap, place.slice, place.start))
        heap_misuse(world, block, caller);
}

void heap_free_slow(void *block, struct heap *heap)
{
    if (block == NULL)
        return;
    heap = attached(heap);
    if (heap != NULL)
        free_block(heap, block, ANY_SIZE, __builtin_return_address(0));
}

void heap_free_sized(struct heap *heap, void *block, size_t size)
{
    if (!HEAP_CHECKED || block == NULL) {
        heap_free(heap, block);
        return;
    }
    heap = attached(heap);
    if (heap != NULL)
        free_block(heap, block, size, __builtin_return_address(0));
}

/* --- resizing --- */

/* A small block stays if it is large enough and at least half used, or no class would serve
 * better. */
static bool fits_small(const struct heap *heap, const struct heap_place *place, size_t size)
{
    size_t need = heap_object_size(size);
    if (need > place->room)
        return false;
    size_t align = bits_max(place->align, HEAP_MIN_ALIGN);
    return need >= place->room / 2 || heap_class_aligned(heap, need, align) == place->slice->class;
}

/* The block, resized where it is, or NULL. A huge one may move, as mappings do. */
static void *resize(struct heap *heap, const struct heap_place *place, size_t size)
{
    void *block = (void *)place->start;
    if (place->slice != NULL && heap_kind(place->slice) == HEAP_SLAB)
        return fits_small(heap, place, size) ? block : NULL;
    if (size <= HEAP_SMALL_MAX && size < place->room / 2)
        return NULL;
    if (place->slice != NULL)
        return heap_large_resize(heap, place->slice, size) ? block : NULL;
    if (heap->is_interrupt)
        return size <= place->room ? block : NULL;
    return heap_huge_resize(heap->world, place->start, heap_large_bytes(size));
}

static void *move(struct heap *heap, const struct heap_place *from, size_t size)
{
    struct heap_request request = {.size = size,
                                   .align = bits_max(from->align, HEAP_MIN_ALIGN),
                                   .will_grow = size > from->room};
    void *to = alloc(heap, &request);
    if (to == NULL)
        return NULL;
    if (request.align > HEAP_MIN_ALIGN)
        note_align(heap, to, request.align);
    memcpy(to, (void *)from->start, bits_min(size, from->size));
    free_block(heap, (void *)from->start, ANY_SIZE, NULL);
    return to;
}

void *heap_realloc(struct heap *heap, void *block, size_t size)
{
    if (block == NULL)
        return heap_alloc(heap, size);
    heap = attached(heap);
    if (heap == NULL || size > SIZE_LIMIT)
        return NULL;
    struct heap_place place = find_or_panic(heap->world, block, __builtin_return_address(0));
    if (HEAP_CHECKED)
        heap_checked_ends(&place);
    void *resized = resize(heap, &place, size);
    if (resized == NULL)
        return move(heap, &place, size);
    if (HEAP_CHECKED)
        note_asked(heap, resized, size);
    return resized;
}

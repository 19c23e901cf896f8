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

/* A live block, as far as can be seen. */
struct place {
    struct heap_slice *slice; /* NULL: a huge one */
    uintptr_t start;
    size_t room;  /* bytes of the object or of whole pages */
    size_t size;  /* usable bytes; in checked builds what was asked for */
    size_t align; /* that a realloc has to keep */
};

static bool is_slab(const struct heap_slice *slice)
{
    return slice != NULL && heap_kind(slice) == HEAP_SLAB;
}

static bool find_huge(struct heap_world *world, uintptr_t address, struct place *place)
{
    struct heap_huge huge;
    if (!heap_huge_find(world, address, &huge) || huge.node.key != address)
        return false;
    *place = (struct place){NULL, address, huge.bytes, huge.asked, huge.align};
    return true;
}

static bool find_object(struct heap_world *world, struct heap_slice *slab, uintptr_t address,
                        struct place *place)
{
    size_t room = heap_class_size(slab->size_class);
    if (!heap_is_object(slab, address) || (HEAP_CHECKED && !heap_checked_is_live(world, address)))
        return false;
    size_t size = HEAP_CHECKED ? heap_checked_asked(world, address, room) : room;
    *place = (struct place){slab, address, room, size, (size_t)1 << slab->align};
    return true;
}

static bool find(struct heap_world *world, const void *block, struct place *place)
{
    uintptr_t address = (uintptr_t)block;
    struct heap_slice *slice = heap_slice_of(world, address);
    if (slice == NULL)
        return find_huge(world, address, place);
    if (is_slab(slice))
        return find_object(world, slice, address, place);
    if (heap_kind(slice) != HEAP_RUN || address != heap_slice_start(world, slice))
        return false;
    *place = (struct place){slice, address, slice->bytes, slice->asked, (size_t)1 << slice->align};
    return true;
}

static struct place find_or_panic(struct heap_world *world, const void *block, const void *caller)
{
    struct place place;
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
    struct place place;
    return find(world, block, &place) && heap_is_live(world, block);
}

/* --- allocation --- */

/* Checked builds: makes an object of a slab a block of `size` bytes. */
static void give_out(struct heap *heap, uintptr_t object, unsigned index, size_t size)
{
    size_t room = heap_class_size(index);
    heap_checked_reuse(heap->world, object, room);
    heap_checked_out(heap->world, object);
    *(uintptr_t *)object = 0;
    if (HEAP_DEBUG)
        memset((void *)object, HEAP_FILL_ALLOC, size);
    heap_checked_resize(heap->world, object, room, size);
}

static void *alloc_small(struct heap *heap, size_t size, unsigned index)
{
    void *block = heap_slab_alloc(heap, index);
    if (HEAP_CHECKED && block != NULL)
        give_out(heap, (uintptr_t)block, index, size);
    return block;
}

/* Clears an object that is just off the list of its class. */
static void *zeroed(const struct heap *heap, void *object, unsigned index)
{
    if (heap_slab_is_fresh(heap, index))
        *(uintptr_t *)object = 0;
    else
        memset(object, 0, heap_class_size(index));
    return object;
}

/* Checked builds: notes how much was asked for of a large block. */
static void note_large(struct heap_world *world, void *block, size_t size)
{
    uintptr_t start = (uintptr_t)block;
    struct heap_slice *run = heap_slice_of(world, start);
    if (run != NULL)
        run->asked = size;
    size_t room = run != NULL ? run->bytes : heap_huge_note(world, start, size);
    heap_checked_large_out(start, room, size);
}

static void *alloc_large(struct heap *heap, const struct heap_request *request)
{
    void *block = heap_large_alloc(heap, request);
    if (HEAP_DEBUG && block != NULL && !request->zero)
        memset(block, HEAP_FILL_ALLOC, request->size);
    if (HEAP_CHECKED && block != NULL)
        note_large(heap->world, block, request->size);
    return block;
}

/* What has grown past this is likely to grow on, and a run does so in place. */
#define GROWN_SMALL_MAX 8192

static size_t small_max(const struct heap *heap, const struct heap_request *request)
{
    return request->will_grow && !heap->is_interrupt ? GROWN_SMALL_MAX : HEAP_SMALL_MAX;
}

static void *alloc(struct heap *heap, const struct heap_request *request)
{
    if (request->size > SIZE_LIMIT || request->align > SIZE_LIMIT)
        return NULL;
    size_t need = heap_object_size(request->size);
    if (need > small_max(heap, request) || request->align > HEAP_SMALL_MAX)
        return alloc_large(heap, request);
    unsigned index = heap_class_aligned(heap, need, request->align);
    void *block = alloc_small(heap, request->size, index);
    if (!request->zero || block == NULL)
        return block;
    return HEAP_CHECKED ? memset(block, 0, request->size) : zeroed(heap, block, index);
}

/* The heap of a thread that may have none yet; NULL if there is no memory for one. */
static struct heap *attached(struct heap *heap)
{
    return heap->world == NULL ? heap_port_attach() : heap;
}

static __attribute__((noinline)) void *alloc_any(size_t size, struct heap *heap)
{
    heap = attached(heap);
    if (heap == NULL)
        return NULL;
    struct heap_request request = {.size = size, .align = HEAP_MIN_ALIGN};
    return alloc(heap, &request);
}

void *heap_alloc_slow(size_t size, struct heap *heap)
{
    if (HEAP_CHECKED || size > HEAP_SMALL_MAX)
        return alloc_any(size, heap);
    unsigned index = heap_class_of(heap, size);
    void *object = size > HEAP_TINY_MAX ? heap_pop(heap, index) : NULL;
    if (object != NULL)
        return object;
    return heap->world == NULL ? alloc_any(size, heap) : heap_slab_alloc(heap, index);
}

void *heap_alloc_zeroed(struct heap *heap, size_t size)
{
    unsigned index = size > HEAP_SMALL_MAX ? 0 : heap_class_of(heap, size);
    void *object = size > HEAP_SMALL_MAX ? NULL : heap_pop(heap, index);
    if (object != NULL)
        return zeroed(heap, object, index);
    heap = attached(heap);
    if (heap == NULL)
        return NULL;
    struct heap_request request = {.size = size, .align = HEAP_MIN_ALIGN, .zero = true};
    return alloc(heap, &request);
}

/* Notes for realloc which alignment the block has to keep. */
static void note_align(struct heap_world *world, void *block, size_t align)
{
    struct heap_slice *slab = heap_slice_of(world, (uintptr_t)block);
    if (align > HEAP_MIN_ALIGN && is_slab(slab) && align >> slab->align > 1)
        slab->align = (uint8_t)bits_lowest(align);
}

static void *alloc_aligned_slow(struct heap *heap, size_t size, size_t align)
{
    heap = attached(heap);
    struct heap_request request = {.size = size, .align = bits_max(align, HEAP_MIN_ALIGN)};
    void *block = heap == NULL ? NULL : alloc(heap, &request);
    if (block != NULL)
        note_align(heap->world, block, align);
    return block;
}

void *heap_alloc_aligned(struct heap *heap, size_t size, size_t align)
{
    if (!bits_is_power_of_two(align))
        heap_port_panic(__builtin_return_address(0), NULL,
                        "%zu is not an alignment: not a power of two", align);
    if (size > HEAP_SMALL_MAX || align > HEAP_SMALL_MAX)
        return alloc_aligned_slow(heap, size, align);
    void *block = heap_pop(heap, heap_class_aligned(heap, size, align));
    if (block == NULL)
        return alloc_aligned_slow(heap, size, align);
    note_align(heap->world, block, align);
    return block;
}

/* --- freeing --- */

static void free_object(struct heap *heap, struct heap_slice *slab, uintptr_t object, size_t size,
                        const void *caller)
{
    bool is_own = heap_owner(slab) == heap;
    bool was_live = heap_is_object(slab, object) && !(is_own && slab->free == object);
    if (HEAP_CHECKED && was_live)
        was_live =
            heap_checked_in(heap->world, object, heap_class_size(slab->size_class), size, caller);
    if (!was_live)
        heap_misuse(heap->world, (void *)object, caller);
    if (is_own)
        heap_slab_free(heap, slab, object);
    else
        heap_remote_free(heap, slab, object);
}

static void free_block(struct heap *heap, void *block, size_t size, const void *caller)
{
    struct heap_world *world = heap->world;
    struct heap_slice *slice = heap_slice_of(world, (uintptr_t)block);
    heap->mask = heap_world_mask(world);
    if (is_slab(slice)) {
        free_object(heap, slice, (uintptr_t)block, size, caller);
        return;
    }
    if (HEAP_CHECKED) {
        struct place place = find_or_panic(world, block, caller);
        heap_checked_large_in(world, place.start, place.room, place.size, size, caller);
    }
    bool is_run = slice != NULL && heap_kind(slice) == HEAP_RUN &&
                  (uintptr_t)block == heap_slice_start(world, slice);
    if ((slice != NULL && !is_run) || !heap_large_free(heap, slice, (uintptr_t)block))
        heap_misuse(world, block, caller);
}

/* `slab` has another owner; or it is not that of the block at all, because that is a mapping or the
 * heap's mask is an earlier one: then its fields may just be changing, and mean nothing. A slab of
 * which a batch holds objects stays what it is. */
void heap_free_foreign(void *block, struct heap *heap, struct heap_slice *slab)
{
    uintptr_t object = (uintptr_t)block;
    bool is_stable = heap_remote_batch(heap, slab)->slab == slab ||
                     (heap_owner(slab) != NULL && heap_slice_of(heap->world, object) == slab);
    if (!HEAP_CHECKED && is_stable && heap_is_object(slab, object))
        heap_remote_free(heap, slab, object);
    else
        heap_free_slow(block, heap);
}

__attribute__((noinline)) void heap_free_slow(void *block, struct heap *heap)
{
    if (block == NULL)
        return;
    heap = attached(heap);
    if (heap != NULL)
        free_block(heap, block, HEAP_ANY_SIZE, __builtin_return_address(0));
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
static bool fits_small(const struct heap *heap, const struct place *place, size_t size)
{
    size_t need = heap_object_size(size);
    if (need > place->room)
        return false;
    size_t align = bits_max(place->align, HEAP_MIN_ALIGN);
    return need >= place->room / 2 ||
           heap_class_aligned(heap, need, align) == place->slice->size_class;
}

/* The block, resized where it is, or NULL. A huge one may move, as mappings do. */
static void *resize(struct heap *heap, const struct place *place, size_t size)
{
    void *block = (void *)place->start;
    if (is_slab(place->slice))
        return fits_small(heap, place, size) ? block : NULL;
    if (size <= HEAP_SMALL_MAX && size < place->room / 2)
        return NULL;
    if (place->slice != NULL)
        return heap_large_resize(heap, place->slice, size) ? block : NULL;
    if (heap->is_interrupt)
        return size <= place->room ? block : NULL;
    return heap_huge_resize(heap->world, place->start, heap_large_bytes(size));
}

static void *move(struct heap *heap, const struct place *from, size_t size)
{
    struct heap_request request = {.size = size,
                                   .align = bits_max(from->align, HEAP_MIN_ALIGN),
                                   .will_grow = size > from->room};
    void *to = alloc(heap, &request);
    if (to == NULL)
        return NULL;
    note_align(heap->world, to, request.align);
    memcpy(to, (void *)from->start, bits_min(size, from->size));
    free_block(heap, (void *)from->start, HEAP_ANY_SIZE, NULL);
    return to;
}

/* Checked builds: panics if the block was written to behind its end. */
static void check_end(const struct heap_world *world, const struct place *place)
{
    if (is_slab(place->slice))
        heap_checked_end(world, place->start, place->room);
    else
        heap_checked_large_in(world, place->start, place->room, place->size, HEAP_ANY_SIZE, NULL);
}

/* Checked builds: the block has stayed, or moved as a mapping, and has `size` bytes now. */
static void note_resized(struct heap_world *world, const struct place *place, void *block,
                         size_t size)
{
    if (is_slab(place->slice))
        heap_checked_resize(world, place->start, place->room, size);
    else
        note_large(world, block, size);
}

void *heap_realloc(struct heap *heap, void *block, size_t size)
{
    if (block == NULL)
        return heap_alloc(heap, size);
    heap = attached(heap);
    if (heap == NULL || size > SIZE_LIMIT)
        return NULL;
    struct place place = find_or_panic(heap->world, block, __builtin_return_address(0));
    if (HEAP_CHECKED)
        check_end(heap->world, &place);
    void *resized = resize(heap, &place, size);
    if (resized == NULL)
        return move(heap, &place, size);
    if (HEAP_CHECKED)
        note_resized(heap->world, &place, resized, size);
    return resized;
}

/* SPDX-License-Identifier: MIT */
/* Takes slices and makes objects of them; heap_slab.h says what is where. */
#include "lib/alloc/heap_slab.h"

#include "lib/alloc/heap.h"
#include "lib/alloc/heap_checked.h"
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_misuse.h"
#include "lib/alloc/heap_queue.h"
#include "lib/alloc/heap_run.h"
#include "lib/alloc/heap_tick.h"
#include "lib/alloc/heap_world.h"
#include "lib/bits.h"

#define LINK_MAX    64  /* objects linked at once: bounds the time of one allocation */
#define ENOUGH_MIN  8   /* objects of large... */
#define ENOUGH_MAX  32  /* ...and of small classes that make a list worth taking */
#define WATCH_EVERY 256 /* objects that are given out between two looks at the clock */
#define LOOK_AT     8   /* slabs of a queue of which the fullest is used next */
#define STASH_MAX   4   /* slices that a heap keeps for its next slabs */

_Noreturn void heap_astray(const struct heap_world *world, uintptr_t object, uintptr_t next)
{
    heap_refuse(world, object, NULL, "the free block at %p was written to: its link leads to %p",
                (void *)object, (void *)next);
}

static void set_link(const struct heap_world *world, uintptr_t object, uintptr_t next)
{
    *(uintptr_t *)object = heap_link(world, object, next);
}

static inline void set_list(struct heap *heap, size_t index, uintptr_t object)
{
    heap->list[index] = object != 0 ? object : (uintptr_t)&heap->nil;
}

static inline bool list_is_empty(const struct heap *heap, size_t index)
{
    return heap->list[index] == (uintptr_t)&heap->nil;
}

/* --- a slab's beginning and end --- */

/* How many objects make a list worth taking. */
static uint8_t enough(unsigned index)
{
    uint64_t in_page = HEAP_PAGE / heap_class_size(index);
    return (uint8_t)bits_min(bits_max(ENOUGH_MIN, bits_min(ENOUGH_MAX, in_page)),
                             heap_class_capacity(index));
}

static void init_slab(struct heap *heap, struct heap_slice *slab, unsigned index)
{
    uint32_t size = heap_class_size(index);
    size_t front = HEAP_SLICE_SIZE % size; /* before the first object */
    slab->start = heap_slice_start(heap->world, slab) + front;
    slab->reciprocal = UINT64_MAX / size + 2;
    slab->free = 0;
    slab->used = 0;
    slab->linked = 0;
    slab->seen = 0;
    slab->enough = enough(index);
    slab->worn = !HEAP_ZEROED || slab->backed != 0;
    slab->size_class = (uint8_t)index;
    slab->align = 0;
    slab->uncarved = heap_page_mask(front / HEAP_PAGE, HEAP_SLICE_PAGES);
    __atomic_store_n(&slab->remote, 0, __ATOMIC_RELAXED);
    heap_set_kind(slab, HEAP_SLAB);
    heap_set_owner(slab, heap);
}

static struct heap_slice *new_slab(struct heap *heap, unsigned index)
{
    struct heap_slice *slab = heap_queue_pop(heap->world, &heap->stash);
    if (slab != NULL)
        heap->stashed--;
    else if (!heap->is_interrupt)
        slab = heap_run_take(heap->world, 1, 0);
    if (slab != NULL)
        init_slab(heap, slab, index);
    return slab;
}

/* The slab is in no queue, and none of its objects is anywhere but in its own list. */
static void give_back(struct heap *heap, struct heap_slice *slab)
{
    heap_set_owner(slab, NULL);
    heap_set_kind(slab, HEAP_STASHED);
    if (!heap->is_interrupt && heap->stashed >= STASH_MAX) {
        heap_run_give(heap->world, slab, 1);
        return;
    }
    heap_queue_push(heap->world, &heap->stash, slab);
    heap->stashed++;
}

void heap_slab_drop_stash(struct heap *heap)
{
    if (heap->is_interrupt)
        return;
    heap->stashed = 0;
    struct heap_slice *slice = heap_queue_pop(heap->world, &heap->stash);
    for (; slice != NULL; slice = heap_queue_pop(heap->world, &heap->stash))
        heap_run_give(heap->world, slice, 1);
}

static void enqueue(struct heap *heap, struct heap_slice *slab)
{
    slab->place = HEAP_QUEUED;
    heap_queue_push(heap->world, &heap->queue[slab->size_class], slab);
}

/* --- refilling heap.list --- */

/* The pages that an object lies in. */
static uint16_t pages_of(uintptr_t base, uintptr_t object, uint32_t size)
{
    size_t first = (object - base) / HEAP_PAGE;
    return heap_page_mask(first, (object + size - 1 - base) / HEAP_PAGE + 1 - first);
}

/* Where objects lie, before more are made or pages are taken away: a damaged word must not let two
 * share a byte. */
static void expect_start(const struct heap_world *world, const struct heap_slice *slab)
{
    uintptr_t base = heap_slice_start(world, slab);
    if (slab->start != base + HEAP_SLICE_SIZE % heap_class_size(slab->size_class))
        heap_refuse(world, base, NULL, "the slab at %p is damaged", (void *)base);
}

/* Carving: the lowest uncarved pages, as many as a list worth taking needs, become objects to be
 * linked. An object that reaches into a page behind that is not carved must wait; the first one
 * starts in a page that is. (The uncarved pages of one object lie side by side: what gives back one
 * in the middle gives back all around it that are free.) False: no memory. */
static bool carve(struct heap *heap, struct heap_slice *slab)
{
    uint32_t size = heap_class_size(slab->size_class);
    uintptr_t base = heap_slice_start(heap->world, slab);
    expect_start(heap->world, slab);
    size_t first = bits_lowest(slab->uncarved), past = first + 1;
    uintptr_t object = bits_max(base + first * HEAP_PAGE, slab->start);
    object = heap_object_at(slab, object, size);
    while ((slab->uncarved >> past & 1) != 0 &&
           base + past * HEAP_PAGE < object + 2 * (uintptr_t)size)
        past++;
    uint16_t pages = heap_page_mask(first, past - first);
    if ((slab->backed & pages) != 0)
        slab->worn = true;
    if (!heap_world_back(heap->world, slab, first, past - first))
        return false;
    slab->uncarved &= (uint16_t)~pages;
    uintptr_t last = heap_object_at(slab, base + past * HEAP_PAGE - 1, size);
    bool last_waits = (pages_of(base, last, size) & slab->uncarved) != 0;
    heap->bump[slab->size_class] = object;
    heap->bump_end[slab->size_class] = last_waits ? last : last + size;
    return true;
}

static inline void take_list(struct heap *heap, struct heap_slice *slab, uintptr_t first)
{
    set_list(heap, slab->size_class, first);
    heap->fresh[slab->size_class] = false;
}

static uint64_t random_number(struct heap *heap)
{
    heap->random ^= heap->random << 13;
    heap->random ^= heap->random >> 7;
    heap->random ^= heap->random << 17;
    return heap->random;
}

/* The numbers below `count`: backwards, or in hardened builds in random order. (Fisher and Yates.)
 */
static void make_order(struct heap *heap, uint8_t *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        order[i] = (uint8_t)(count - 1 - i);
    for (unsigned i = 1; HEAP_HARDEN && i < count; i++) {
        unsigned other = (unsigned)(random_number(heap) % (i + 1));
        uint8_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

/* Checked builds: fills and links `count` objects, at most LINK_MAX. Returns the first of the
 * list. */
static uintptr_t link_filled(struct heap *heap, uintptr_t start, uint32_t size, unsigned count)
{
    uint8_t order[LINK_MAX];
    uintptr_t next = 0;
    make_order(heap, order, count);
    for (unsigned i = 0; i < count; i++) {
        uintptr_t object = start + (uintptr_t)order[i] * size;
        heap_checked_prepare(heap->world, object, size);
        set_link(heap->world, object, next);
        next = object;
    }
    return next;
}

/* `count` objects side by side become a list in the order of their addresses. */
static void link_in_order(struct heap *heap, uintptr_t start, uint32_t size, unsigned count)
{
    uintptr_t last = start + (uintptr_t)(count - 1) * size;
    for (uintptr_t object = start; object < last; object += size)
        set_link(heap->world, object, object + size);
    set_link(heap->world, last, 0);
}

/* Links objects of [bump, bump_end) and makes them the list. */
static void link_objects(struct heap *heap, struct heap_slice *slab)
{
    unsigned index = slab->size_class;
    uint32_t size = heap_class_size(index);
    uintptr_t first = heap->bump[index];
    if (!heap_is_object(slab, first) || first >= heap->bump_end[index] ||
        heap->bump_end[index] - slab->start > HEAP_SLICE_SIZE)
        heap_refuse(heap->world, first, NULL, "the heap at %p is damaged", (void *)heap);
    unsigned count = (unsigned)bits_min((heap->bump_end[index] - first) / size, LINK_MAX);
    heap->bump[index] += (uintptr_t)count * size;
    if (HEAP_CHECKED)
        first = link_filled(heap, first, size, count);
    else
        link_in_order(heap, first, size, count);
    slab->linked += (uint16_t)count;
    slab->used += (uint16_t)count;
    take_list(heap, slab, first);
    heap->fresh[index] = !slab->worn;
}

static bool has_remote(const struct heap_slice *slab)
{
    return __atomic_load_n(&slab->remote, __ATOMIC_RELAXED) > HEAP_WAKE_ME;
}

static inline void take_own(struct heap *heap, struct heap_slice *slab)
{
    take_list(heap, slab, slab->free);
    slab->free = 0;
    slab->used = slab->linked;
}

/* Makes what the owner freed of the current slab the list, if it is `least` objects or more. */
static inline bool take_freed(struct heap *heap, size_t index, unsigned least)
{
    struct heap_slice *slab = heap->current[index];
    unsigned ready = (unsigned)slab->linked - slab->used;
    if (slab->free == 0 || ready < least)
        return false;
    heap->unwatched += ready;
    take_own(heap, slab);
    return true;
}

/* How many objects are taken before more are made. Large ones, of which the slab has made some, are
 * so few: memory counts more than the time for a list. */
static unsigned worthwhile(const struct heap_slice *slab)
{
    return slab->enough <= ENOUGH_MIN && slab->linked >= slab->enough ? 2 : slab->enough;
}

/* Fills the empty list with what the current slab has ready, if that is worth it. */
static bool fill(struct heap *heap, struct heap_slice *slab)
{
    unsigned index = slab->size_class;
    if (take_freed(heap, index, worthwhile(slab)))
        return true;
    if (has_remote(slab)) {
        take_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_ACQUIRE));
        return true;
    }
    if (heap->bump[index] == heap->bump_end[index])
        return false;
    link_objects(heap, slab);
    return true;
}

void heap_slab_take_woken(struct heap *heap)
{
    if (__atomic_load_n(&heap->woken, __ATOMIC_RELAXED) == HEAP_NO_SLICE)
        return;
    uint32_t index = __atomic_exchange_n(&heap->woken, HEAP_NO_SLICE, __ATOMIC_ACQUIRE);
    while (index != HEAP_NO_SLICE) {
        struct heap_slice *slab = heap_slice_at(heap->world, index);
        index = slab->next;
        if (slab->place == HEAP_ASLEEP)
            slab->used = slab->linked;
        if (slab->used == 0)
            give_back(heap, slab);
        else
            enqueue(heap, slab);
    }
}

/* Takes the current slab out of its place: into the queue if it has something left, else to sleep
 * until somebody frees an object of it. */
static void retire_current(struct heap *heap, unsigned index)
{
    struct heap_slice *slab = heap->current[index];
    uintptr_t none = 0;
    if (slab == NULL)
        return;
    heap->current[index] = NULL;
    if (slab->free != 0 || slab->uncarved != 0 ||
        !__atomic_compare_exchange_n(&slab->remote, &none, HEAP_WAKE_ME, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED)) {
        enqueue(heap, slab);
        return;
    }
    slab->used = 1;
    slab->place = HEAP_ASLEEP;
}

static void make_current(struct heap *heap, struct heap_slice *slab)
{
    retire_current(heap, slab->size_class);
    slab->place = HEAP_CURRENT;
    heap->current[slab->size_class] = slab;
}

static unsigned ready(const struct heap_slice *slab)
{
    return (unsigned)slab->linked - slab->used;
}

/* Of the first slabs of a queue, that with the fewest objects ready that are worth it: so slabs
 * become full, and others empty. */
static struct heap_slice *fullest(const struct heap_world *world, const struct heap_queue *queue)
{
    struct heap_slice *best = heap_slice_at(world, queue->first), *slab = best;
    for (unsigned i = 1; i < LOOK_AT && !has_remote(slab) && slab->next != HEAP_NO_SLICE; i++) {
        slab = heap_slice_at(world, slab->next);
        if (ready(slab) >= slab->enough &&
            (ready(slab) < ready(best) || ready(best) < best->enough))
            best = slab;
    }
    return best;
}

/* A queued slab, out of the queue, if it has more objects ready than the current one. */
static struct heap_slice *take_queued(struct heap *heap, unsigned index)
{
    const struct heap_slice *current = heap->current[index];
    struct heap_queue *queue = &heap->queue[index];
    if (heap_queue_is_empty(queue))
        heap_slab_take_woken(heap);
    if (heap_queue_is_empty(queue))
        return NULL;
    struct heap_slice *slab = fullest(heap->world, queue);
    if (!has_remote(slab) && ready(slab) <= (current == NULL ? 0 : ready(current)))
        return NULL;
    heap_queue_remove(heap->world, queue, slab);
    return slab;
}

/* The slab with objects ready becomes the current one, and gives them all. */
static bool use(struct heap *heap, struct heap_slice *slab)
{
    if (slab == NULL)
        return false;
    if (slab->place != HEAP_CURRENT)
        make_current(heap, slab);
    if (slab->free != 0)
        take_own(heap, slab);
    return !list_is_empty(heap, slab->size_class) || fill(heap, slab);
}

/* The next pages of the slab become objects, and it the current one. */
static bool carve_and_use(struct heap *heap, struct heap_slice *slab)
{
    if (slab->uncarved == 0 || !carve(heap, slab))
        return false;
    if (slab->place != HEAP_CURRENT)
        make_current(heap, slab);
    link_objects(heap, slab);
    return true;
}

/* The first queued slab that gives anything: objects, or memory for more. */
static bool use_queued(struct heap *heap, unsigned index)
{
    struct heap_slice *slab;
    for (uint32_t at = heap->queue[index].first; at != HEAP_NO_SLICE; at = slab->next) {
        slab = heap_slice_at(heap->world, at);
        bool is_ready = slab->free != 0 || has_remote(slab);
        if (!is_ready && (slab->uncarved == 0 || !carve(heap, slab)))
            continue;
        heap_queue_remove(heap->world, &heap->queue[index], slab);
        if (is_ready)
            return use(heap, slab);
        make_current(heap, slab);
        link_objects(heap, slab);
        return true;
    }
    return false;
}

/* A new slab; near the cap only one of which a slice at hand has memory from before. */
static bool use_new(struct heap *heap, unsigned index)
{
    for (unsigned i = 0; i <= STASH_MAX; i++) {
        struct heap_slice *slab = new_slab(heap, index);
        if (slab == NULL)
            return false;
        slab->place = HEAP_QUEUED;
        if (carve_and_use(heap, slab))
            return true;
        give_back(heap, slab);
    }
    return false;
}

/* Objects that are there come before pages that are not carved, and these before a new slab. */
static bool refill(struct heap *heap, unsigned index)
{
    heap->unwatched = 0;
    heap_tick_when_due(heap);
    struct heap_slice *slab = heap->current[index];
    if (slab != NULL && fill(heap, slab))
        return true;
    struct heap_slice *other = take_queued(heap, index);
    if (other != NULL)
        return use(heap, other);
    if (slab != NULL && carve_and_use(heap, slab))
        return true;
    if (slab != NULL && slab->free != 0)
        return use(heap, slab);
    return use_queued(heap, index) || use_new(heap, index);
}

bool heap_slab_is_fresh(const struct heap *heap, unsigned index)
{
    return heap->fresh[index];
}

static inline void *pop(struct heap *heap, size_t index)
{
    uintptr_t object = heap->list[index];
    set_list(heap, index, heap_next(heap->world, object));
    return (void *)object;
}

static __attribute__((noinline)) void *refill_and_pop(struct heap *heap, size_t index)
{
    bool is_full = refill(heap, (unsigned)index) ||
                   (heap_trim_before_failure(heap) && refill(heap, (unsigned)index));
    return is_full ? pop(heap, index) : NULL;
}

/* The last object of a list brings the next list with it, so that malloc comes here but once a
 * list; now and then it does not, so that the clock is looked at. */
void *heap_slab_alloc(struct heap *heap, size_t index)
{
    uintptr_t object = heap->list[index];
    struct heap_slice *slab = heap->current[index];
    if (list_is_empty(heap, index))
        return refill_and_pop(heap, index);
    unsigned ready = (unsigned)slab->linked - slab->used;
    bool is_last = *(const uintptr_t *)object == heap_link(heap->world, object, 0);
    if (!is_last || ready < slab->enough / 2 || heap->unwatched >= WATCH_EVERY)
        return pop(heap, index);
    heap->unwatched += ready;
    heap->list[index] = slab->free;
    heap->fresh[index] = false;
    slab->free = 0;
    slab->used = slab->linked;
    return (void *)object;
}

/* --- freeing --- */

void heap_slab_free(struct heap *heap, struct heap_slice *slab, uintptr_t object)
{
    set_link(heap->world, object, slab->free);
    slab->free = object;
    if (--slab->used == 0)
        heap_emptied(slab, heap);
}

/* The owner frees the first object of a sleeping slab. If another heap is about to wake the slab,
 * it will come by way of `woken`. */
static void wake(struct heap *heap, struct heap_slice *slab)
{
    slab->used = slab->linked - 1;
    slab->place = HEAP_QUEUED;
    uintptr_t before = __atomic_fetch_and(&slab->remote, ~HEAP_WAKE_ME, __ATOMIC_ACQUIRE);
    if ((before & HEAP_WAKE_ME) != 0)
        heap_queue_push(heap->world, &heap->queue[slab->size_class], slab);
    else
        slab->place = HEAP_WAKING;
}

void heap_emptied(struct heap_slice *slab, struct heap *heap)
{
    if (slab->place == HEAP_ASLEEP) {
        wake(heap, slab);
    } else if (slab->place == HEAP_QUEUED) {
        heap_queue_remove(heap->world, &heap->queue[slab->size_class], slab);
        give_back(heap, slab);
    }
}

/* Counts a list that nobody else holds, and finds its last object. */
static uint16_t measure(const struct heap_world *world, uintptr_t first, uintptr_t *last)
{
    uint16_t count = 0;
    for (uintptr_t object = first; object != 0; object = heap_next(world, object)) {
        *last = object;
        if (count++ > HEAP_SLICE_SIZE / HEAP_MIN_ALIGN)
            heap_refuse(world, object, NULL,
                        "the free block at %p was written to: its list has no end", (void *)object);
    }
    return count;
}

/* Puts a whole list of objects, counted as used, in front of the slab's own. */
static void free_list(struct heap *heap, struct heap_slice *slab, uintptr_t first)
{
    uintptr_t last = 0;
    uint16_t count = measure(heap->world, first, &last);
    if (count == 0)
        return;
    set_link(heap->world, last, slab->free);
    slab->free = first;
    slab->used -= count;
}

static void take_remote(struct heap *heap, struct heap_slice *slab)
{
    if (__atomic_load_n(&slab->remote, __ATOMIC_RELAXED) != 0)
        free_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_ACQUIRE));
}

void heap_slab_absorb(struct heap *heap, struct heap_slice *slab)
{
    take_remote(heap, slab);
    if (slab->used == 0)
        heap_emptied(slab, heap);
}

/* Links what is left to link, and puts the list, which it replaces, back. */
static void unload_list(struct heap *heap, struct heap_slice *slab, unsigned index)
{
    if (!list_is_empty(heap, index))
        free_list(heap, slab, heap->list[index]);
    while (heap->bump[index] != heap->bump_end[index]) {
        link_objects(heap, slab);
        free_list(heap, slab, heap->list[index]);
    }
    set_list(heap, index, 0);
}

void heap_slab_unload(struct heap *heap, unsigned index)
{
    struct heap_slice *slab = heap->current[index];
    if (slab == NULL)
        return;
    unload_list(heap, slab, index);
    take_remote(heap, slab);
    heap->current[index] = NULL;
    if (slab->used == 0)
        give_back(heap, slab);
    else
        enqueue(heap, slab);
}

/* --- giving back pages --- */

/* The pages that linked objects lie in which are not in the slab's list. */
static uint16_t used_pages(const struct heap *heap, const struct heap_slice *slab, uintptr_t base)
{
    uint64_t is_free[HEAP_SLICE_SIZE / HEAP_MIN_ALIGN / 64] = {0};
    for (uintptr_t object = slab->free; object != 0; object = heap_next(heap->world, object))
        bits_set(is_free, (object - base) / HEAP_MIN_ALIGN);
    uint32_t size = heap_class_size(slab->size_class);
    expect_start(heap->world, slab);
    uint16_t used = 0;
    for (uintptr_t object = slab->start; object < base + HEAP_SLICE_SIZE; object += size) {
        uint16_t pages = pages_of(base, object, size);
        bool is_linked = (pages & slab->uncarved) == 0;
        if (is_linked && !bits_test(is_free, (object - base) / HEAP_MIN_ALIGN))
            used |= pages;
    }
    return used;
}

/* Takes the objects that reach into `pages` out of the slab's list: they are not linked any more.
 */
static void unlink_objects(struct heap *heap, struct heap_slice *slab, uintptr_t base,
                           uint16_t pages)
{
    uint32_t size = heap_class_size(slab->size_class);
    uintptr_t kept = 0, object = slab->free;
    while (object != 0) {
        uintptr_t next = heap_next(heap->world, object);
        if ((pages_of(base, object, size) & pages) == 0) {
            set_link(heap->world, object, kept);
            kept = object;
        } else {
            slab->linked--;
        }
        object = next;
    }
    slab->free = kept;
}

size_t heap_slab_purge(struct heap *heap, struct heap_slice *slab)
{
    uintptr_t base = heap_slice_start(heap->world, slab);
    uint16_t pages = slab->backed & (uint16_t)~used_pages(heap, slab, base);
    if (pages == 0)
        return 0;
    uint16_t front = heap_page_mask(0, (slab->start - base) / HEAP_PAGE);
    uint16_t carved = pages & (uint16_t)~front;
    unlink_objects(heap, slab, base, carved);
    slab->uncarved |= carved;
    slab->worn = true;
    return heap_world_purge(heap->world, slab, pages);
}

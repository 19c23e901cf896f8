/* SPDX-License-Identifier: MIT */
/*
 * What the heap knows: a descriptor for each slice of the arena, in a flat table; the world that
 * holds both; and one thread's share of it. Private to heap*.[ch]; public only for inlining and for
 * taking sizeof.
 *
 *        address  | number of the slice | offset: 16 bits |
 *                          & mask
 *                 table -> | 0 | 1 | 2 | ... | mask / 64 |   64 bytes each
 *
 * The table is a ring: the descriptor of a slice is that of its number modulo the table's length,
 * so that the arena may start at any slice, and every address has some descriptor. Whether it is
 * the right one shows when the descriptor is used: see heap_is_object(). A table that starts at its
 * own multiple may double; heaps that have not heard of it yet see the wrong descriptor, and look
 * again.
 *
 * Fields are guarded, as each says, by `owner` (the heap that has the slab), by `lock` (the
 * world's), or are `atomic`. Fields of struct heap without a word on it are the owner's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/alloc/heap_port.h"
#include "lib/tree.h"

#define HEAP_SLICE_SIZE ((size_t)64 << 10) /* the unit of the arena */
#define HEAP_PAGE       ((size_t)4096)     /* the unit of the port */
#define HEAP_SMALL_MAX  ((size_t)32 << 10) /* larger blocks are runs or mappings */
#define HEAP_TINY_MAX   1024               /* the class of sizes up to here is found at once */
#define HEAP_TINY_STEP  128                /* of those above, by such steps */
#define HEAP_CLASSES    64
#define HEAP_MIN_ALIGN  16 /* every block is aligned to this */

#define HEAP_CHECKED (HEAP_HARDEN || HEAP_DEBUG)

#define HEAP_SLICE_PAGES (HEAP_SLICE_SIZE / HEAP_PAGE)
#define HEAP_NO_SLICE    UINT32_MAX
#define HEAP_PENDING     32 /* slabs of others for which freed objects are collected... */
#define HEAP_BATCH       32 /* ...until there are so many */

/* What a slice is. */
enum heap_kind {
    HEAP_OUTSIDE, /* not of the arena, or of nobody yet; what a zeroed descriptor says */
    HEAP_FREE,    /* first slice of a free run */
    HEAP_FREE_REST,
    HEAP_SLAB,
    HEAP_RUN, /* first slice of a large block */
    HEAP_RUN_REST,
    HEAP_RUN_LEFT, /* freed in an interrupt context: world.left_runs */
    HEAP_STASHED,  /* kept by a heap for its next slab */
    HEAP_TAKEN,    /* between two of the above */
};

/* Where a slab is. */
enum heap_slab_place {
    HEAP_CURRENT, /* being used up: heap.current[class] */
    HEAP_QUEUED,  /* has free objects or room: in heap.queue[class] */
    HEAP_ASLEEP,  /* used up: in no queue; whoever frees one of its objects wakes it */
    HEAP_WAKING,  /* awake, and on its way to heap.woken */
};

/* Flag of the word `remote`, in a bit that an object's address leaves clear: the slab is asleep. */
#define HEAP_WAKE_ME ((uintptr_t)1)

struct heap_slice {
    struct heap *owner; /* slabs: atomic; set for as long as it is one; else NULL */
    union {
        struct {                 /* slabs; owner */
            uintptr_t start;     /* where the first object starts: the last ends with the slab */
            uint64_t reciprocal; /* of the size; see heap_is_object */
            uintptr_t free;      /* list of objects that the owner freed; 0: empty */
            uint16_t used;   /* linked objects that are not in `free`; if it is asleep: 1, so that
                                the next free comes to see it */
            uint16_t linked; /* objects ever linked into a list: used + |free| */
            uint16_t seen;   /* used, as of the last tick */
            uint8_t worn;    /* 1: memory of the slab may not be zero */
            uint8_t enough;  /* objects that make `free` worth taking */
        };
        struct {          /* large blocks; whoever has the block */
            size_t bytes; /* whole pages */
            size_t asked; /* HEAP_CHECKED */
            uint32_t slices;
        };
        struct tree_node node; /* free runs; lock. key: number of slices << 32 | number of first */
    };
    union {
        uintptr_t remote; /* slabs: atomic; list of objects that others freed, and HEAP_WAKE_ME */
        uint64_t since;   /* free runs: lock; when it became dirty, in milliseconds */
    };
    uint32_t next, prev; /* in a queue of slabs (owner) or of dirty free runs (lock), in the stack
                            of woken slabs or of runs left (atomic); last of a free run, and all
                            but the first of a large block: next is the first */
    uint8_t kind;        /* atomic; enum heap_kind; from and to free kinds: lock */
    uint8_t size_class;  /* slabs; owner */
    uint8_t align;     /* log2 of the strictest alignment asked for; owner, whoever has the block */
    uint8_t place;     /* slabs: enum heap_slab_place; owner */
    uint16_t backed;   /* bit a page: has memory, whose contents are not known; owner or lock */
    uint16_t uncarved; /* slabs: bit a page: objects that reach into it are not linked; owner */
};

_Static_assert(sizeof(struct heap_slice) == 64, "a descriptor is a cache line");

/* Slices in a row, by their numbers in the table; each names its neighbours. */
struct heap_queue {
    uint32_t first, last; /* or HEAP_NO_SLICE both */
};

/* Objects of one slab of somebody else's, freed here and not yet handed over. */
struct heap_batch {
    struct heap_slice *slab; /* NULL: none */
    uintptr_t first, last;
    uint32_t room; /* for how many more */
};

struct heap_world {
    uintptr_t arena, reserved; /* address space for the arena: [arena, reserved) */
    uintptr_t end;             /* atomic; the arena is [arena, end), but for what is HEAP_OUTSIDE */
    struct heap_slice *table;
    size_t mask;              /* atomic; (length of the table - 1) * 64 */
    size_t first;             /* number in the table of the arena's first slice */
    uint64_t *marks;          /* HEAP_CHECKED: bit per 16 bytes of the arena */
    uint64_t secret;          /* of encoded links; 0 if not HEAP_HARDEN */
    size_t cap;               /* atomic */
    size_t taken, taken_max;  /* atomic; bytes */
    uint64_t returned, wakes; /* atomic */
    uint32_t left_runs;       /* atomic; stack of runs that interrupt contexts freed */
    /* lock: */
    struct tree_node *free_runs;
    struct heap_queue dirty; /* free runs with memory, least recently freed first */
    size_t free_slices, dirty_pages;
    uintptr_t spare; /* address space that has no descriptors yet, or 0 */
    size_t spare_bytes;
    struct tree_node *huge;      /* mappings, by address */
    struct heap_huge *records;   /* unused ones */
    struct heap_huge *left_huge; /* atomic; mappings that interrupt contexts freed */
    uint64_t huge_count, huge_bytes, record_bytes;
    struct heap *heaps; /* all that there ever were */
    struct heap *parked;
};

struct heap {
    uintptr_t list[HEAP_CLASSES]; /* objects ready to be given out, all of the class's current slab;
                                     or &nil */
    size_t mask;                  /* of the world's table, or an earlier value */
    struct heap_slice *table;
    uintptr_t nil;                                        /* 0, the end of a list */
    uint8_t class_of[HEAP_TINY_MAX + 1];                  /* by size; */
    uint8_t class_above[HEAP_SMALL_MAX / HEAP_TINY_STEP]; /* by (size - 1) / HEAP_TINY_STEP */
    struct heap_slice *current[HEAP_CLASSES];             /* or NULL; in no queue */
    struct heap_queue queue[HEAP_CLASSES];
    uintptr_t bump[HEAP_CLASSES];     /* first object of the current slab whose pages are taken, but
                                         that     is not linked... */
    uintptr_t bump_end[HEAP_CLASSES]; /* ...and the end of such objects */
    bool fresh[HEAP_CLASSES];         /* objects of `list` are zero but for links */
    struct heap_batch pending[HEAP_PENDING]; /* by number of the slab, modulo */
    struct heap_queue stash;                 /* slices kept */
    uint32_t stashed;
    uint32_t woken;     /* atomic; stack of slabs */
    uint32_t unwatched; /* objects given out since the last look at the clock, about */
    bool is_interrupt;
    uint64_t ticked; /* milliseconds */
    uint64_t random; /* state of the shuffle */
    struct heap_world *world;
    struct heap *next_heap, *next_parked; /* lock */
};

/* --- addresses, slices --- */

/* The descriptor for an address of the arena; for any other, some descriptor. */
static inline struct heap_slice *heap_slice_in(struct heap_slice *table, size_t mask,
                                               uintptr_t address)
{
    return (struct heap_slice *)((uintptr_t)table + ((address >> 10) & mask));
}

/*
 * True iff `address` is the start of an object of `slab`. With d the size of objects and
 * r = 2^64 / d rounded up, and d more than that to make e = r * d - 2^64 at least d:
 *
 *   offset = q * d        ->  offset * r mod 2^64 = q * e < 2^17: q * d < 2^16 and e < 2d
 *   any other in a slab   ->  offset * r mod 2^64 >= 2^64 / d >= 2^49
 *
 * Addresses outside the slab fail, too, as long as they differ from it by less than 2^48: those of
 * other slices that share the descriptor are at least 2^20 - 2^16 away, so q * e > 2^17; below the
 * start the product is negative. (After Lemire, Kaser and Kurz, Faster remainder by direct
 * computation, 2019.)
 */
static inline bool heap_is_object(const struct heap_slice *slab, uintptr_t address)
{
    return (address - slab->start) * slab->reciprocal < (uint64_t)1 << 17;
}

/* Slices are looked at by heaps that do not own them: for misuse, and to merge free runs. */
static inline enum heap_kind heap_kind(const struct heap_slice *slice)
{
    return (enum heap_kind)__atomic_load_n(&slice->kind, __ATOMIC_RELAXED);
}

static inline void heap_set_kind(struct heap_slice *slice, enum heap_kind kind)
{
    __atomic_store_n(&slice->kind, (uint8_t)kind, __ATOMIC_RELAXED);
}

/* By an earlier mask, a heap comes to see the owner of any slab, while that may change. */
static inline struct heap *heap_owner(const struct heap_slice *slab)
{
    return __atomic_load_n(&slab->owner, __ATOMIC_RELAXED);
}

static inline void heap_set_owner(struct heap_slice *slab, struct heap *owner)
{
    __atomic_store_n(&slab->owner, owner, __ATOMIC_RELAXED);
}

/* The same for the fast path. Whatever it sees of a wrong slab, heap_is_object() says no next; so
 * it does without an atomic load, which gcc cannot make part of the comparison. */
static inline __attribute__((no_sanitize("thread"))) bool heap_is_own(const struct heap_slice *slab,
                                                                      const struct heap *heap)
{
    return slab->owner == heap;
}

/* The slice with number `index` of the table, and back. */
static inline struct heap_slice *heap_slice_at(const struct heap_world *world, uint32_t index)
{
    return &world->table[index];
}

static inline uint32_t heap_slice_index(const struct heap_world *world,
                                        const struct heap_slice *slice)
{
    return (uint32_t)(slice - world->table);
}

static inline size_t heap_world_mask(const struct heap_world *world)
{
    return __atomic_load_n(&world->mask, __ATOMIC_ACQUIRE);
}

/* Where the slice is in the arena: how many slices lie before it, and its address. */
static inline size_t heap_slice_number(const struct heap_world *world,
                                       const struct heap_slice *slice)
{
    return (heap_slice_index(world, slice) - world->first) & (heap_world_mask(world) >> 6);
}

static inline uintptr_t heap_slice_start(const struct heap_world *world,
                                         const struct heap_slice *slice)
{
    return world->arena + heap_slice_number(world, slice) * HEAP_SLICE_SIZE;
}

/* The slice that holds `address`, or NULL if that is not in the arena. */
static inline struct heap_slice *heap_slice_of(const struct heap_world *world, uintptr_t address)
{
    if (address - world->arena >= __atomic_load_n(&world->end, __ATOMIC_ACQUIRE) - world->arena)
        return NULL;
    return heap_slice_in(world->table, heap_world_mask(world), address);
}

/* The slice `count` behind `slice`. */
static inline struct heap_slice *heap_slice_after(const struct heap_world *world,
                                                  const struct heap_slice *slice, size_t count)
{
    size_t index = (heap_slice_index(world, slice) + count) & (heap_world_mask(world) >> 6);
    return &world->table[index];
}

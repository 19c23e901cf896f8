/* SPDX-License-Identifier: MIT */
/*
 * The page frame allocator: takes ranges of physical memory and gives out blocks of 2^order
 * contiguous, naturally aligned 4 KiB frames. It never looks into the memory it manages; all that
 * it knows is in metadata that the caller hands over. The heap takes smaller pieces from its world;
 * this is the floor below that world.
 *
 * Any number of CPUs and their interrupt handlers may call at once, without a lock; frame_init()
 * comes before, and one frame_add() runs at a time. Each CPU keeps up to 128 single frames at hand,
 * two blocks to take more from, and credit for frames that it may take. A request that cannot be
 * met takes from the others' blocks, then asks them to give up what they keep.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <frame_home.h>

#include "lib/addr.h"
#include "lib/check.h"

#define FRAME_ORDER_MAX 18 /* 2^18 frames: 1 GiB */
#define FRAME_ORDERS    (FRAME_ORDER_MAX + 1)
#define FRAME_CPUS      256 /* as many CPUs there may be */

/* Half-open: the frames `start` to `end - 1`. */
struct frame_range {
    frame_t start;
    frame_t end;
};

enum frame_flags {
    FRAME_ZERO = 1,   /* clear the block; else its contents are whatever they were */
    FRAME_ATOMIC = 2, /* may use the reserve: for those who cannot wait, and free soon */
};

/* What is asked for. Zero in a field asks for nothing in particular: (struct frame_request){0} is
 * one frame from anywhere. */
struct frame_request {
    frame_t below; /* every frame of the block lies below this one; 0: no ceiling */
    uint8_t order; /* 0 .. FRAME_ORDER_MAX */
    uint8_t flags; /* enum frame_flags */
    uint16_t node; /* 1 + the node to prefer; 0: that of the CPU that asks */
};

/* As above, for any number of contiguous frames. */
struct frame_run {
    uint64_t count; /* of frames, at least 1 */
    uint64_t align; /* the first frame is a multiple of this power of two; 0: any */
    frame_t below;
    uint8_t flags;
    uint16_t node;
};

/* Memory that is equally near to some CPUs: ranges, sorted and disjoint. */
struct frame_node {
    const struct frame_range *ranges;
    size_t count;
};

struct frame_span; /* metadata of one GiB */

#define FRAME_LISTS 10

/* What a CPU has at hand: of one word of frames those that are free, of another those that it freed
 * and did not put back yet, and the block that it takes words from. A word is 64 frames; number
 * UINT64_MAX is none. Only the CPU itself writes it; `owned` and `runs` others read, as hints. */
struct frame_cpu {
    uint64_t mask;       /* frames first .. first + 63 that are free */
    uint64_t first;      /* a multiple of 64 */
    uint64_t word;       /* first / 64 if others of these frames may come back into the mask */
    uint64_t freed;      /* a mask likewise */
    uint64_t freed_word; /* word number */
    bool busy;           /* an interrupt handler that finds it set leaves all this alone */
    uint16_t node;       /* 1 + the node that it prefers, or 0 */
    unsigned rest;       /* words [0, rest) of the owned block are still to be looked at */
    uint64_t owned;      /* the block that it owns for single frames */
    uint64_t credit;     /* frames that it may still take out of the tree */
    uint64_t *blocks;    /* the word that the last block of 2 MiB came from, */
    uint64_t block;      /* and the first block that it stands for */
    uint64_t runs;       /* the block that it owns for runs of 2 to 256 frames */
} __attribute__((aligned(128)));

/* Fields are private to frame*.c. frame_tree.h tells what they mean together. */
struct frames {
    struct frame_cpu *cpu;
    struct frame_span **span;   /* of each GiB; NULL: not needed yet */
    uint64_t gibs;              /* length of span */
    uint64_t *lists;            /* frame_list.c: what is above the spans, */
    uint64_t lines;             /* so many lines for each list */
    struct frame_span *spans;   /* those that have been needed, then those that have not */
    uint64_t spans_open;        /* how many have */
    struct frame_range *ranges; /* all memory that may ever be added: sorted, disjoint, apart */
    size_t range_count;
    uint8_t *debug;  /* frame_debug.c */
    uint64_t total;  /* frames added */
    int64_t reserve; /* of the pool: for FRAME_ATOMIC alone */
    uint64_t batch;  /* a CPU that has twice as much credit gives back what is above this */
    const struct frame_node *node;
    size_t nodes;
    const uint8_t *distance;
    unsigned cpus;
    int64_t pool __attribute__((aligned(64))); /* frames in the tree that no CPU has credit for */
    uint32_t listed[FRAME_LISTS]; /* of each list of blocks in part free: how many, at most */
};

/* Setting up. One caller at a time; frame_init() comes before all else. */

/* Bytes of metadata for `count` ranges (sorted, disjoint, not empty) and `cpus` CPUs: 1.06 bits a
 * frame for memory in whole GiBs; 8 more with FRAME_DEBUG. Holes of a GiB and more between ranges
 * cost 6 bytes a GiB. */
size_t frame_metadata_size(const struct frame_range *ranges, size_t count, unsigned cpus);

/* Makes `frames` manage `ranges` for CPUs 0 to cpus - 1, 1 <= cpus <= FRAME_CPUS; all of it is in
 * use for now, frame_add() frees it. `metadata` has the size above, 8-byte aligned, any contents,
 * and belongs to `frames` from here on. Touches memory for each range and each 64 GiB. */
void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                unsigned cpus, void *metadata);

/* Frees [start, end), for the first time, at any frame boundary. Panics where it is not managed or
 * is free already. Others may allocate and free meanwhile. What was never added cannot be freed
 * either. */
void frame_add(struct frames *frames, frame_t start, frame_t end);

/* Tells which memory lies on which node, and how far the nodes are from each other: distance[from *
 * count + to], or NULL if all are alike. A request takes from the nearest node that has what it
 * asks for, then from memory of no node. The caller keeps the arrays and never changes them. Until
 * then there are no nodes. */
void frame_set_nodes(struct frames *frames, const struct frame_node *nodes, size_t count,
                     const uint8_t *distance);

/* The node that CPU number `cpu` prefers, numbered from 0. Until then it prefers none. */
void frame_set_cpu_node(struct frames *frames, unsigned cpu, uint16_t node);

/* From now on only FRAME_ATOMIC requests may leave less than `count` frames free. What CPUs have at
 * hand already they may give out: up to 128 frames each. */
void frame_set_reserve(struct frames *frames, uint64_t count);

/* Allocating and freeing. Any context but NMI; no locks. A handler that interrupts its CPU in the
 * middle of a call leaves what that has at hand alone. So it, and a caller whose home cannot have
 * the others drain, may fail while each CPU keeps 128 frames and credit for a 32nd of the memory,
 * at most 128 MiB. */

/* A block that answers the request, or FRAME_NONE if there is none (nothing changed then). Prefers
 * high addresses, so that low memory lasts for those who need it, and memory that is broken
 * already. The caller owns the block until frame_free(). Panics on an order, flags or a node that
 * do not exist. */
frame_t frame_alloc(struct frames *frames, struct frame_request request);

/* Takes exactly [frame, frame + 2^order). False if any of it is not free. Panics on an order that
 * does not exist and on a block that is misaligned or not managed. */
bool frame_alloc_at(struct frames *frames, frame_t frame, unsigned order);

/* Contiguous frames that answer the request, or FRAME_NONE. Runs that are no power of two, and
 * longer than 1 GiB, are looked for in the whole memory: a visit to each 2 MiB block at worst.
 * The caller owns them until frame_free_run(). Panics on a request that is malformed. */
frame_t frame_alloc_run(struct frames *frames, struct frame_run run);

/* Allocates up to `count` blocks as frame_alloc() does. Returns how many: fewer if memory ran out.
 */
size_t frame_alloc_bulk(struct frames *frames, struct frame_request request, frame_t *blocks,
                        size_t count);

/* Gives back a block. Panics with the value on an order that does not exist, on a block that is
 * misaligned, not managed, or free already, in part or as a whole; if single frames are still in a
 * CPU's hands, as late as that CPU puts them back. With FRAME_DEBUG all that is seen at once, and
 * the wrong order, too. */
void frame_free(struct frames *frames, frame_t frame, unsigned order);

/* Gives back `count` blocks of 2^order frames. */
void frame_free_bulk(struct frames *frames, const frame_t *blocks, size_t count, unsigned order);

/* Gives back a part of a block of 2^order frames: 2^part_order frames at `part`. What is left are
 * the blocks that remain when a block is halved until the part is one of the halves. */
void frame_free_part(struct frames *frames, frame_t block, unsigned order, frame_t part,
                     unsigned part_order);

/* Gives back what frame_alloc_run() took, or blocks that make up [start, start + count). */
void frame_free_run(struct frames *frames, frame_t start, uint64_t count);

/* Puts back what the calling CPU has at hand. False if that cannot be, because the CPU has been
 * interrupted in the middle of a call. */
bool frame_drain(struct frames *frames);

/* Looking */

/* Frames free now, wherever they are. Exact when nobody allocates or frees. */
uint64_t frame_free_count(const struct frames *frames);

/* frame_stats.c: free blocks by order, as a buddy system would count them: count[k] maximal aligned
 * blocks of 2^k free frames, each counted once. What CPUs have at hand is not counted. */
void frame_count_blocks(const struct frames *frames, uint64_t count[FRAME_ORDERS]);

/* frame_check.c: verifies every invariant, at a moment when nobody allocates or frees. Returns how
 * many are violated, and says each as a sentence through `report`. */
size_t frame_check(const struct frames *frames, check_report *report);

/* SPDX-License-Identifier: MIT */
/*
 * The page frame allocator: takes ranges of physical memory and gives out blocks of 2^order
 * contiguous, naturally aligned 4 KiB frames. It never looks into the memory it manages; all that
 * it knows is in metadata that the caller hands over. The heap takes smaller pieces from its world;
 * this is the floor below that world.
 *
 * Locking: the caller's; one call at a time for each struct frames.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/check.h"

#define FRAME_ORDER_MAX 18 /* 2^18 frames: 1 GiB */
#define FRAME_ORDERS    (FRAME_ORDER_MAX + 1)

/* Half-open: the frames `start` to `end - 1`. */
struct frame_range {
    frame_t start;
    frame_t end;
};

enum frame_flags {
    FRAME_ZERO = 1, /* clear the block; else its contents are whatever they were */
};

/* What is asked for. Zero in a field asks for nothing in particular: (struct frame_request){0} is
 * one frame from anywhere. */
struct frame_request {
    frame_t below; /* every frame of the block lies below this one; 0: no ceiling */
    uint8_t order; /* 0 .. FRAME_ORDER_MAX */
    uint8_t flags; /* enum frame_flags */
    uint16_t node; /* 1 + the memory node to prefer, 0: any. Not looked at yet. */
};

struct frame_span; /* metadata of one GiB */

/* Fields are private to frame*.c. */
struct frames {
    struct frame_range *ranges; /* all memory that may ever be added: sorted, disjoint */
    size_t range_count;
    uint32_t *slots; /* GiB number -> 1 + its index in spans, 0 if it holds no memory */
    struct frame_span *spans;
    uint64_t *whole; /* bit per GiB: all of it is free; its span then means nothing */
    uint64_t *split; /* bit per GiB: a part of it is free; its span tells which */
    uint64_t gibs;   /* length of slots, whole and split */
    uint64_t total;  /* frames added */
    uint64_t free;   /* frames free now */
};

/* Bytes of metadata for `count` ranges (sorted, disjoint): 1.04 bits a frame for memory in whole
 * GiBs. Holes of a GiB and more between ranges cost 4 bytes a GiB. */
size_t frame_metadata_size(const struct frame_range *ranges, size_t count);

/* Makes `frames` manage `ranges`, all of it in use for now; frame_add() frees it. `metadata` has
 * the size above, 8-byte aligned, any contents, and belongs to `frames` from here on. Touches
 * memory for each range and GiB, not for each frame. */
void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                void *metadata);

/* Frees [start, end), for the first time, at any frame boundary. Panics where it is not managed or
 * is free already. */
void frame_add(struct frames *frames, frame_t start, frame_t end);

/* A block that answers the request, or FRAME_NONE if there is none (nothing changed then). Prefers
 * high addresses, so that low memory lasts for those who need it. The caller owns the block until
 * frame_free(). Panics on an order or flags that do not exist. */
frame_t frame_alloc(struct frames *frames, struct frame_request request);

/* Takes exactly [frame, frame + 2^order). False if any of it is not free. Panics on an order that
 * does not exist and on a block that is misaligned or not managed. */
bool frame_alloc_at(struct frames *frames, frame_t frame, unsigned order);

/* Gives back a block. Panics with the value on an order that does not exist, on a block that is
 * misaligned, not managed, or free already, in part or as a whole. */
void frame_free(struct frames *frames, frame_t frame, unsigned order);

/* frame_stats.c: free blocks by order, as a buddy system would count them: count[k] maximal aligned
 * blocks of 2^k free frames, each counted once; the sum of count[k] << k is frames->free. */
void frame_count_blocks(const struct frames *frames, uint64_t count[FRAME_ORDERS]);

/* frame_check.c: verifies every invariant. Returns how many are violated, and says each as a
 * sentence through `report`. */
size_t frame_check(const struct frames *frames, check_report *report);

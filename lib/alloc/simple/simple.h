/* SPDX-License-Identifier: MIT */
/*
 * What the two simple frame allocators, list.c and buddy.c, have in common; simple.c answers
 * frame.h over the few functions in which they differ. They are there to be read and to be
 * compared with, and are chosen when a program is linked.
 *
 * One array holds a link and a state for each frame from the first to the last, holes included:
 *
 *   state   OUTSIDE  not managed
 *           ABSENT   managed, not added yet
 *           PLAIN    in use, or in a free block but not its first frame
 *           FREE + k the first frame of a free block of 2^k frames, which is on list k
 *
 * Invariant: free == the sum of 2^k over all frames in state FREE + k.
 *
 * One lock guards it all. A handler that interrupts its holder would wait for ever, so interrupts
 * are off while it is held.
 */
#pragma once

#include "lib/alloc/frame.h"

#define SIMPLE_NONE UINT32_MAX /* no index */

enum { SIMPLE_OUTSIDE, SIMPLE_ABSENT, SIMPLE_PLAIN, SIMPLE_FREE };

struct simple_link {
    uint32_t next, prev; /* SIMPLE_NONE at the ends */
};

/* Lies at the start of the metadata. An index is a frame number less `first`. */
struct simple {
    uint64_t first;              /* a multiple of the largest block */
    uint32_t count;              /* length of link and state */
    bool locked;                 /* the rest is for whoever set it */
    uint64_t free;               /* frames */
    uint64_t reserve;            /* of them for FRAME_ATOMIC alone */
    uint32_t head[FRAME_ORDERS]; /* the free lists */
    struct simple_link *link;
    uint8_t *state;
};

/* The metadata begins with it; `ranges` tells where, the other fields of a tree are not used. */
static inline struct simple *simple_of(const struct frames *frames)
{
    return (struct simple *)frames->ranges;
}

static inline uint32_t simple_size(unsigned order)
{
    return (uint32_t)1 << order;
}

static inline uint32_t simple_index(const struct simple *simple, frame_t frame)
{
    return (uint32_t)(frame.number - simple->first);
}

/* simple.c */

/* Returns what simple_unlock() wants: whether interrupts were on. */
bool simple_lock(struct simple *simple);
void simple_unlock(struct simple *simple, bool were_on);

/* The free lists. */
void simple_push(struct simple *simple, uint32_t index, unsigned order);
void simple_unlink(struct simple *simple, uint32_t index);

/* True iff every frame of [frame, frame + count) has this state or a later one. */
bool simple_is_there(const struct simple *simple, frame_t frame, uint64_t count, uint8_t state);

/* True iff there are not `count` free frames for a request with these flags. */
bool simple_is_short(const struct simple *simple, uint64_t count, uint8_t flags);

/* The index at which what lies below a ceiling ends. */
uint32_t simple_limit(const struct simple *simple, frame_t below);

void simple_check_flags(const char *who, const struct frames *frames, uint8_t flags, uint16_t node);

/* Takes a block, and counts. */
void simple_remove(struct simple *simple, uint32_t index, unsigned order);

/* simple_run.c */

/* The order of the largest block that starts at `index` and ends at or before `end`. */
unsigned simple_largest(uint32_t index, uint32_t end);

/* The end of the free frames that begin with the free block at `index`; `index` if none does. */
uint32_t simple_end_of_run(const struct simple *simple, uint32_t index);

/* The functions of list.c and buddy.c. */

/* An aligned block of 2^order free frames that ends at or before index `limit`, or SIMPLE_NONE. */
uint32_t simple_find(const struct simple *simple, unsigned order, uint32_t limit);

/* The free block that frame `index` lies in; returns its order, or -1 if the frame is not free. */
int simple_enclosing(const struct simple *simple, uint32_t index, uint32_t *start);

/* Takes the block off the lists. Precondition: all of it is free. */
void simple_take(struct simple *simple, uint32_t index, unsigned order);

/* Puts the block on the lists. Precondition: none of it is free. */
void simple_put(struct simple *simple, uint32_t index, unsigned order);

/* For the checker: may a free block of this order be on its list? */
bool simple_may_stay(const struct simple *simple, uint32_t index, unsigned order);

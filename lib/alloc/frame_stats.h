/* SPDX-License-Identifier: MIT */
/* What a frame allocator has to show: exact when nobody allocates or frees, a snapshot else. */
#pragma once

#include "lib/alloc/frame.h"

/* The frame after the last that is managed. */
uint64_t frame_end(const struct frames *frames);

/* Of some frames: how many are managed, how many of these are free, and how many of these in wholly
 * free blocks of 2 MiB. What CPUs have at hand is not counted as free. */
struct frame_fullness {
    uint64_t managed;
    uint64_t free;
    uint64_t whole;
};

/* Of the frames [start, end), both multiples of 512. */
struct frame_fullness frame_fullness(const struct frames *frames, uint64_t start, uint64_t end);

/* What a CPU has at hand. */
struct frame_hand {
    unsigned ready;  /* frames that it can give out at once, */
    frame_t word;    /* of the 64 that begin here */
    unsigned freed;  /* frames that it has not put back yet */
    frame_t block;   /* where it takes the next from: 2 MiB, or FRAME_NONE */
    uint64_t credit; /* frames that it may still take */
};

/* False if there is no such CPU. */
bool frame_hand(const struct frames *frames, unsigned cpu, struct frame_hand *hand);

/* The nodes that were told by frame_set_nodes(); 0 if there are none. */
size_t frame_nodes(const struct frames *frames, const struct frame_node **nodes);

/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator's metadata, shared by frame.c, frame_stats.c and frame_check.c: a radix tree
 * of bitmaps, shaped like the page tables.
 *
 *   root      bit per GiB       whole: all free      split: partly free      neither: nothing free
 *   span      bit per 2 MiB     whole, split, neither likewise; counts
 *   line      bit per frame     set: free
 *
 * A node below a whole or a neither bit means nothing and may hold anything, so that a terabyte is
 * made free by setting a thousand bits. Where both mean something:
 *
 *   popcount(line[b]) == free_in[b], 0 < free_in[b] < 512         for every split block b
 *   512 * |whole| + sum of free_in over split == free_frames      for every split span
 *   2^18 * |whole| + sum of free_frames over split == free        for the root
 */
#pragma once

#include "lib/alloc/frame.h"
#include "lib/alloc/frame_line.h"

#define BLOCK_SHIFT  LINE_SHIFT /* a block: 512 frames, 2 MiB */
#define BLOCK_FRAMES ((uint64_t)1 << BLOCK_SHIFT)
#define SPAN_SHIFT   (2 * LINE_SHIFT) /* a span: 512 blocks, 1 GiB */
#define SPAN_FRAMES  ((uint64_t)1 << SPAN_SHIFT)
#define SPAN_BLOCKS  LINE_BITS

_Static_assert(SPAN_SHIFT == FRAME_ORDER_MAX, "the largest block is one bit of the root");

struct frame_span {
    uint64_t whole[LINE_WORDS];
    uint64_t split[LINE_WORDS];
    uint64_t free_frames;
    uint16_t free_in[SPAN_BLOCKS];
    uint64_t line[SPAN_BLOCKS][LINE_WORDS];
};

/* The span of GiB number `gib`. Precondition: it holds managed memory. */
static inline struct frame_span *frame_span_of(const struct frames *frames, uint64_t gib)
{
    return &frames->spans[frames->slots[gib] - 1];
}

/* True iff every frame of [start, start + count) is managed. */
bool frame_is_managed(const struct frames *frames, uint64_t start, uint64_t count);

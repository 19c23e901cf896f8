/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator that a program is linked with: the tree (frame*.c), or one of the two in
 * lib/alloc/simple, which answer every call of frame.h but do not keep all that it promises.
 */
#pragma once

#include <stdbool.h>

struct frame_kind {
    const char *name;        /* as FRAMES= of the Makefile calls it */
    bool keeps_low;          /* low memory goes last */
    bool keeps_whole;        /* what is broken goes before what is whole */
    bool knows_nodes;        /* requests are met from the nearest node */
    bool costs_by_the_range; /* metadata goes by RAM, and setting up by ranges, not by frames */
};

extern const struct frame_kind frame_kind;

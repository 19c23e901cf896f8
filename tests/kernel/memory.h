/* SPDX-License-Identifier: MIT */
/* What the in-kernel tests of the memory layers share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

/* True iff each of `size` bytes is `byte`. */
bool memory_is_filled(const void *memory, unsigned char byte, size_t size);

/* Frames that are free now. */
uint64_t memory_free_frames(void);

/* Takes all free memory but at most `leave` frames, in blocks as large as they come, so that any
 * machine is exhausted in an instant. `visit` (may be NULL) is told of each block. */
struct memory_hog {
    frame_t top; /* a list through the first words of the blocks */
};
void memory_hog_take(struct memory_hog *hog, uint64_t leave,
                     void (*visit)(frame_t frame, unsigned order));
void memory_hog_release(struct memory_hog *hog);

/* Runs every checker of the memory layers; fails the running test if one finds something. */
void memory_check_everything(void);

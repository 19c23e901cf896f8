/* SPDX-License-Identifier: MIT */
/* Takes all free memory but a rest, so that any machine is as small as is wanted, in an instant. */
#pragma once

#include <stdint.h>

#include "lib/addr.h"

struct hog {
    frame_t top; /* a list through the first words of the blocks */
};

/* Takes blocks as large as they come, until at most `leave` frames are free. `visit` (may be NULL)
 * is told of each. */
void hog_take(struct hog *hog, uint64_t leave, void (*visit)(frame_t frame, unsigned order));

/* Gives everything back. */
void hog_release(struct hog *hog);

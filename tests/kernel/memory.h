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

/* Ends the running test as skipped unless so many bytes are free. Before it takes any. */
void memory_need(uint64_t bytes);

/* Runs every checker of the memory layers; fails the running test if one finds something. */
void memory_check_everything(void);

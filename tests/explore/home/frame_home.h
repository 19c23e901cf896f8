/* SPDX-License-Identifier: MIT */
/* The frame allocator's home under exploration: each explored thread is a CPU. The functions are
 * the test's. */
#pragma once

#define FRAME_DEBUG 0

struct frames;

unsigned frame_home_cpu(void);
void frame_home_drain_others(struct frames *frames);

/* SPDX-License-Identifier: MIT */
/*
 * Drains: a CPU that finds no more frames has the others put back those that they keep at hand.
 * frame_alloc() leads here.
 */
#pragma once

/* From now on the frame allocator reaches all CPUs. */
void drain_init(void);

/* SPDX-License-Identifier: MIT */
/*
 * How a CPU that finds no more frames gets at those that other CPUs keep at hand. Nothing here
 * knows of other CPUs: whoever does registers how to reach them.
 */
#pragma once

struct frames;

/* From now on `drainer` is called, in any context but NMI, to have all other CPUs call
 * frame_drain(frames); it returns when they have. */
void pmm_set_drainer(void (*drainer)(struct frames *frames));

/* Calls it. */
void pmm_drain_others(struct frames *frames);

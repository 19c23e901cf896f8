/* SPDX-License-Identifier: MIT */
/* The heap's home in the kernel. */
#pragma once

#define HEAP_DEBUG    LOAM_DEBUG
#define HEAP_HARDEN   LOAM_HARDEN
#define HEAP_COMMITS  1
#define HEAP_ZEROED   0 /* frames come as they are */
#define HEAP_TICKS    0
#define HEAP_HUGE_MIN ((size_t)2 << 20)

struct heap_setup;
struct heap_world;

/* Where kmalloc's arena and table are. */
void heap_home_setup(struct heap_world *world, struct heap_setup *setup);

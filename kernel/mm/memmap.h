/* SPDX-License-Identifier: MIT */
/*
 * The memory map: takes the ranges that firmware gave, in any order and state, and gives sorted,
 * disjoint, frame-aligned ranges in which the greater kind of enum boot_memory has won wherever two
 * overlapped. Reserved thus always wins.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "boot/boot_info.h"
#include "lib/addr.h"

#define MEMMAP_INPUT_MAX 4096 /* ranges that can be read */
#define MEMMAP_MAX       2048 /* ranges that can come out */

/* Half-open; adjacent ranges are of different kinds. */
struct memmap_range {
    frame_t start;
    frame_t end;
    enum boot_memory kind;
};

struct memmap {
    size_t count;
    struct memmap_range range[MEMMAP_MAX];
};

/*
 * Fills `map` from `count` ranges of firmware. What will be handed out (usable and the
 * loader's) is rounded inwards to whole frames, everything else outwards; what lies at or above
 * `physical_end` (a frame-aligned address) is cut off; empty ranges vanish. A range that wraps
 * around 2^64 reaches to physical_end if it forbids memory, and is not believed if it offers some.
 * Returns 0, or -E2BIG if `count` exceeds MEMMAP_INPUT_MAX or the result MEMMAP_MAX. Not reentrant:
 * uses one static work area.
 */
int memmap_build(struct memmap *map, const struct boot_range *ranges, size_t count,
                 uint64_t physical_end);

/* Frames of one kind. */
uint64_t memmap_frames(const struct memmap *map, enum boot_memory kind);

/* Frames of all kinds but BOOT_RESERVED: the machine's RAM. */
uint64_t memmap_ram(const struct memmap *map);

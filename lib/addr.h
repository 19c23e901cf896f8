/* SPDX-License-Identifier: MIT */
/*
 * Distinct types for distinct numbers: a physical address and a frame number do not mix silently,
 * neither with each other nor with a virtual address (a pointer or uintptr_t).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  ((size_t)1 << PAGE_SHIFT)

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

/* A physical byte address. */
typedef struct {
    uint64_t addr;
} phys_t;

/* The number of a 4 KiB physical page frame: its physical address / 4096. */
typedef struct {
    uint64_t number;
} frame_t;

/* No frame at all: what a failed frame allocation returns. */
#define FRAME_NONE ((frame_t){UINT64_MAX})

static inline bool frame_is_none(frame_t frame)
{
    return frame.number == UINT64_MAX;
}

static inline phys_t phys_of_frame(frame_t frame)
{
    return (phys_t){frame.number << PAGE_SHIFT};
}

/* The frame that holds the byte at `phys`. */
static inline frame_t frame_of_phys(phys_t phys)
{
    return (frame_t){phys.addr >> PAGE_SHIFT};
}

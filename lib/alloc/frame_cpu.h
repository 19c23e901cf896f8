/* SPDX-License-Identifier: MIT */
/*
 * What a CPU does alone, with the frames that it has at hand; shared by frame.c, which has the fast
 * paths, and frame_cpu.c, which fills and empties the CPU's hands.
 */
#pragma once

#include "lib/alloc/frame_tree.h"

static inline struct frame_cpu *this_cpu(const struct frames *frames)
{
    return &frames->cpu[frame_home_cpu()];
}

/* What the CPU has at hand is its own between these two: an interrupt handler in between leaves it
 * alone. */
static inline void enter(struct frame_cpu *cpu)
{
    cpu->busy = true;
    atomic_compiler_barrier();
}

static inline void leave(struct frame_cpu *cpu)
{
    atomic_compiler_barrier();
    cpu->busy = false;
}

/* Order, flags and node of a request as one number, 0 if all are. */
static inline uint32_t kind_of(struct frame_request request)
{
    return request.order | (uint32_t)request.flags << 8 | (uint32_t)request.node << 16;
}

/* Takes the highest frame out of the mask, which is not empty. */
static inline uint64_t cpu_pop(struct frame_cpu *cpu)
{
    uint64_t mask = cpu->mask;
    uint64_t bit = bits_highest(mask);
    atomic_poke(&cpu->mask, mask & ~((uint64_t)1 << bit));
    return cpu->first + bit;
}

/* Pays for frames that the caller is about to take out of the tree: false if so many are not to be
 * had. And is paid for those that went back. */
bool frame_pay(struct frames *frames, uint64_t count, unsigned flags);
void frame_earn(struct frames *frames, uint64_t count);

/* Called between enter() and leave(): fills the empty mask. False if there is nothing that no other
 * CPU has. */
bool cpu_refill(struct frames *frames, struct frame_cpu *cpu);

/* Called after enter(), with an empty mask: fills it and allocates a single frame. Leaves. */
frame_t cpu_alloc_refill(struct frames *frames, struct frame_request request);

/* Called after enter(), with a frame that belongs to neither mask: puts the freed ones back and
 * begins with this one anew. Leaves. */
void cpu_free_other(struct frames *frames, frame_t frame, struct frame_cpu *cpu);

/* A run of 2^order frames, order <= 8, out of the CPU's block, or NOT_FOUND. */
uint64_t cpu_find_run(struct frames *frames, struct want want);

/* All but single frames. Whole blocks of 2 MiB have a short way, too. */
frame_t cpu_alloc_odd(struct frames *frames, struct frame_request request);
void cpu_free_odd(struct frames *frames, frame_t frame, unsigned order);

/* frame.c */

/* Panics: some of the block is free. */
_Noreturn void frame_already_free(struct frames *frames, uint64_t frame, unsigned order);

/* What frame_alloc() and frame_free() do when there is no short way. */
frame_t frame_alloc_slow(struct frames *frames, struct frame_request request);
void frame_free_slow(struct frames *frames, frame_t frame, unsigned order);

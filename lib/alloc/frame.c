/* SPDX-License-Identifier: MIT */
/*
 * The page frame allocator: what each CPU does alone, with the frames it has at hand, and the
 * interface. What CPUs do together is in frame_block.c and frame_find.c, the structure is drawn in
 * frame_tree.h.
 *
 * A single frame comes from the CPU's mask; an empty mask is filled with a word of the block that
 * the CPU owns. A single frame that is freed goes back into the mask, or into a second one that
 * gathers frames of one word until a frame of another word comes. All else goes to the tree.
 */
#include "lib/alloc/frame.h"

#include "lib/alloc/frame_cpu.h"
#include "lib/alloc/frame_port.h"

uint64_t frame_free_count(const struct frames *frames)
{
    uint64_t count = (uint64_t)atomic_peek(&frames->pool);
    for (unsigned i = 0; i < frames->cpus; i++) {
        const struct frame_cpu *cpu = &frames->cpu[i];
        count += atomic_peek(&cpu->credit);
        count += word_count(atomic_peek(&cpu->mask)) + word_count(atomic_peek(&cpu->freed));
    }
    return count;
}

/* Checks */

static void check_order(const char *who, unsigned order)
{
    if (order > FRAME_ORDER_MAX)
        frame_port_panic("%s: there is no order %u, the largest is %u", who, order,
                         FRAME_ORDER_MAX);
}

static void check_place(const char *who, const struct frames *frames, frame_t frame, unsigned order)
{
    check_order(who, order);
    if (!bits_is_aligned(frame.number, (uint64_t)1 << order))
        frame_port_panic("%s: frame 0x%llx is not aligned to its order %u", who,
                         (unsigned long long)frame.number, order);
    if (!frame_is_managed(frames, frame.number, (uint64_t)1 << order))
        frame_port_panic("%s: frame 0x%llx, order %u, is not memory that is managed here", who,
                         (unsigned long long)frame.number, order);
}

/* The kernel's tests survive panics: the CPU is left as one that nothing interrupted. */
_Noreturn void frame_already_free(struct frames *frames, uint64_t frame, unsigned order)
{
    leave(this_cpu(frames));
    frame_port_panic("frame_free: frame 0x%llx, order %u, is free already, in part or as a whole",
                     (unsigned long long)frame, order);
}

/* Allocating */

/* What is wanted, paid and claimed; where it is not to be had at once, then from what this CPU has
 * at hand, from the blocks of others, and from what those have at hand. */
static uint64_t take(struct frames *frames, struct want want, struct frame_request request)
{
    uint64_t count = (uint64_t)1 << want.order;
    unsigned node = request.node != 0 ? request.node : this_cpu(frames)->node;
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        if (attempt == 1)
            frame_drain(frames);
        if (attempt == 2)
            frame_home_drain_others(frames);
        if (!frame_pay(frames, count, request.flags))
            continue;
        uint64_t found = NOT_FOUND;
        if (attempt == 0 && want.order < BLOCK_SHIFT && want.end == FRAME_END && request.node == 0)
            found = cpu_find_run(frames, want);
        if (found == NOT_FOUND)
            found = find(frames, want, node);
        if (found == NOT_FOUND && want.order < BLOCK_SHIFT && attempt > 0)
            found = find_in_owned(frames, want);
        if (found != NOT_FOUND)
            return found;
        frame_earn(frames, count);
    }
    return NOT_FOUND;
}

/* A frame at hand, or NOT_FOUND. */
static uint64_t take_at_hand(struct frames *frames)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return NOT_FOUND;
    enter(cpu);
    uint64_t found = cpu->mask != 0 || cpu_refill(frames, cpu) ? cpu_pop(cpu) : NOT_FOUND;
    leave(cpu);
    return found;
}

/* The next block may come from beside this one. */
static void remember(struct frames *frames, uint64_t block)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (!cpu->busy)
        atomic_poke(&cpu->block, block);
}

static void check_request(const struct frames *frames, struct frame_request request)
{
    check_order("frame_alloc", request.order);
    if (request.flags & ~(FRAME_ZERO | FRAME_ATOMIC))
        frame_port_panic("frame_alloc: there are no flags 0x%x", request.flags);
    if (request.node > frames->nodes)
        frame_port_panic("frame_alloc: there is no node %u", request.node - 1U);
}

frame_t frame_alloc_slow(struct frames *frames, struct frame_request request)
{
    check_request(frames, request);
    struct want want = {.end = FRAME_END, .order = request.order};
    if (request.below.number != 0)
        want.end = bits_min(want.end, request.below.number);
    uint64_t found = NOT_FOUND;
    if (request.order == 0 && request.below.number == 0 && request.node == 0)
        found = take_at_hand(frames);
    if (found == NOT_FOUND)
        found = take(frames, want, request);
    if (found == NOT_FOUND)
        return FRAME_NONE;
    if (request.order == BLOCK_SHIFT)
        remember(frames, found >> BLOCK_SHIFT);
    if (FRAME_DEBUG)
        frame_debug_alloc(frames, found, request.order);
    if (request.flags & FRAME_ZERO)
        frame_port_zero((frame_t){found}, request.order);
    return (frame_t){found};
}

/* Nothing here but jumps to the slow ways: no register is saved on the short one. */
frame_t frame_alloc(struct frames *frames, struct frame_request request)
{
    uint64_t odd = request.below.number | kind_of(request);
    if (odd != 0 || FRAME_DEBUG)
        return cpu_alloc_odd(frames, request);
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return cpu_alloc_odd(frames, request);
    enter(cpu);
    if (cpu->mask == 0)
        return cpu_alloc_refill(frames, request);
    uint64_t found = cpu_pop(cpu);
    leave(cpu);
    return (frame_t){found};
}

bool frame_alloc_at(struct frames *frames, frame_t frame, unsigned order)
{
    check_place("frame_alloc_at", frames, frame, order);
    struct want want = {frame.number, frame.number + ((uint64_t)1 << order), (uint8_t)order, false};
    if (take(frames, want, (struct frame_request){.flags = FRAME_ATOMIC}) == NOT_FOUND)
        return false;
    if (FRAME_DEBUG)
        frame_debug_alloc(frames, frame.number, order);
    return true;
}

/* Freeing */

/* Checks what is cheap to check, and the rest where something is out of the ordinary. */
static void check_free(const struct frames *frames, frame_t frame, unsigned order)
{
    if (order > BLOCK_SHIFT || !bits_is_aligned(frame.number, (uint64_t)1 << order) ||
        !span_is_open(frames, frame.number >> SPAN_SHIFT) ||
        (atomic_load(block_desc(frames, frame.number >> BLOCK_SHIFT)) & (DESC_RAW | DESC_RAGGED)) !=
            0)
        check_place("frame_free", frames, frame, order);
}

void frame_free_slow(struct frames *frames, frame_t frame, unsigned order)
{
    check_free(frames, frame, order);
    uint64_t block = frame.number >> BLOCK_SHIFT;
    bool done = span_is_open(frames, frame.number >> SPAN_SHIFT);
    if (done && order < BLOCK_SHIFT)
        done = frames_put(frames, frame.number, 1u << order);
    else if (done)
        done = blocks_put(frames, block, 1u << (order - BLOCK_SHIFT), DESC(0));
    if (!done)
        frame_already_free(frames, frame.number, order);
    frame_earn(frames, (uint64_t)1 << order);
}

void frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (FRAME_DEBUG) {
        check_free(frames, frame, order);
        frame_debug_free(frames, frame.number, order);
    }
    if (order != 0 || cpu->busy) {
        cpu_free_odd(frames, frame, order);
        return;
    }
    uint64_t word = frame.number / 64, bit = (uint64_t)1 << (frame.number % 64);
    enter(cpu);
    uint64_t *mask = &cpu->freed;
    if (word != cpu->freed_word) {
        mask = &cpu->mask;
        if (word != cpu->word) {
            cpu_free_other(frames, frame, cpu);
            return;
        }
    }
    if ((*mask & bit) != 0)
        frame_already_free(frames, frame.number, 0);
    atomic_poke(mask, *mask | bit);
    leave(cpu);
}

void frame_free_part(struct frames *frames, frame_t block, unsigned order, frame_t part,
                     unsigned part_order)
{
    check_place("frame_free_part", frames, block, order);
    check_place("frame_free_part", frames, part, part_order);
    if (part_order > order || part.number >> order != block.number >> order)
        frame_port_panic("frame_free_part: frame 0x%llx, order %u, is no part of order %u",
                         (unsigned long long)part.number, part_order, order);
    if (FRAME_DEBUG)
        frame_debug_split(frames, block.number, order, part.number, part_order);
    frame_free(frames, part, part_order);
}

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

static const struct frame_range everything = {{0}, {(uint64_t)1 << 52}};

uint64_t frame_free_count(const struct frames *frames)
{
    int64_t count = (int64_t)atomic_peek(&frames->total) - atomic_peek(&frames->taken);
    for (unsigned i = 0; i < frames->cpus; i++) {
        const struct frame_cpu *cpu = &frames->cpu[i];
        count -= atomic_peek(&cpu->taken);
        count += word_count(atomic_peek(&cpu->mask)) + word_count(atomic_peek(&cpu->freed));
    }
    return count < 0 ? 0 : (uint64_t)count;
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

/* Freeing to the tree */

/* Puts back 2^order frames, order <= 8, in words: the count of a block bears no more at once. */
static bool put_frames(struct frames *frames, struct block block, unsigned first, unsigned order)
{
    uint64_t *word = &block_line(block)[first / 64];
    unsigned words = order > 6 ? 1u << (order - 6) : 1;
    uint64_t bits = word_run(first % 64, order > 6 ? 6 : order);
    for (unsigned i = 0; i < words; i++)
        if ((atomic_load(&word[i]) & bits) != 0)
            return false;
    for (unsigned i = 0; i < words; i++)
        put_word(frames, block.span, (block_start(block) + first) / 64 + i, bits);
    return true;
}

/* Checks what is cheap to check, and the rest where something is out of the ordinary. */
static void check_free(struct frames *frames, frame_t frame, unsigned order)
{
    const uint16_t odd = DESC_WHOLE | DESC_RAW | DESC_RAGGED;
    if (order <= BLOCK_SHIFT && bits_is_aligned(frame.number, (uint64_t)1 << order) &&
        frame_is_open(frames, frame.number >> SPAN_SHIFT) &&
        (atomic_load(block_desc(block_of(frames, frame.number))) & odd) == 0)
        return;
    check_place("frame_free", frames, frame, order);
    if (!frame_is_open(frames, frame.number >> SPAN_SHIFT) ||
        (atomic_load(block_desc(block_of(frames, frame.number))) & (DESC_WHOLE | DESC_RAW)) != 0)
        frame_already_free(frames, frame.number, order);
}

static void put(struct frames *frames, uint64_t frame, unsigned order)
{
    struct block block = block_of(frames, frame);
    bool done = order < BLOCK_SHIFT
                    ? put_frames(frames, block, (unsigned)(frame % BLOCK_FRAMES), order)
                    : block_put(frames, block, order - BLOCK_SHIFT);
    if (!done)
        frame_already_free(frames, frame, order);
}

/* The interface */

/* When the tree has nothing: looks where CPUs have something. */
static uint64_t find_hidden(struct frames *frames, unsigned order, struct frame_range window)
{
    uint64_t found = frame_drain(frames) ? find_run(frames, order, window) : NOT_FOUND;
    if (found == NOT_FOUND && order < BLOCK_SHIFT)
        found = find_in_owned(frames, order, window);
    if (found != NOT_FOUND)
        return found;
    frame_home_drain_others(frames);
    return find_run(frames, order, window);
}

/* Frames of the nodes of the request, nearest first. */
static uint64_t find_on_nodes(struct frames *frames, struct frame_request request,
                              struct frame_range window)
{
    size_t count = frames->node_count, from = request.node - 1U;
    for (unsigned distance = 0; distance < 256; distance++)
        for (size_t i = 0; i < count; i++) {
            size_t node = (from + i) % count;
            unsigned there =
                frames->distance == NULL ? i > 0 : frames->distance[from * count + node];
            for (size_t r = frames->nodes[node].count; there == distance && r-- > 0;) {
                struct frame_range range = frames->nodes[node].ranges[r];
                range.end.number = bits_min(range.end.number, window.end.number);
                if (range.start.number >= range.end.number)
                    continue;
                uint64_t found = find_run(frames, request.order, range);
                if (found != NOT_FOUND)
                    return found;
            }
        }
    return NOT_FOUND;
}

/* Would the request take from the reserve that it may not use? */
static bool frame_is_short(struct frames *frames, struct frame_request request)
{
    return frames->reserve != 0 && (request.flags & FRAME_ATOMIC) == 0 &&
           frame_free_count(frames) < frames->reserve + ((uint64_t)1 << request.order);
}

static frame_t finish(struct frames *frames, uint64_t found, struct frame_request request)
{
    if (found == NOT_FOUND)
        return FRAME_NONE;
    if (FRAME_DEBUG)
        frame_debug_alloc(frames, found, request.order);
    if (request.flags & FRAME_ZERO)
        frame_port_zero((frame_t){found}, request.order);
    return (frame_t){found};
}

/* The next block may come from beside this one. */
static void remember(struct frame_cpu *cpu, struct block block)
{
    if (cpu->busy)
        return;
    enter(cpu);
    atomic_poke(&cpu->block_span, block.span);
    atomic_poke(&cpu->block, block.number);
    leave(cpu);
}

frame_t frame_alloc_slow(struct frames *frames, struct frame_request request)
{
    check_order("frame_alloc", request.order);
    if (request.flags & ~(FRAME_ZERO | FRAME_ATOMIC))
        frame_port_panic("frame_alloc: there are no flags 0x%x", request.flags);

    if (request.node > frames->node_count)
        frame_port_panic("frame_alloc: there is no node %u", request.node - 1U);
    if (frame_is_short(frames, request))
        return FRAME_NONE;

    struct frame_cpu *cpu = this_cpu(frames);
    if (request.node == 0 && request.order == 0 && request.below.number == 0 && !cpu->busy) {
        enter(cpu);
        bool filled = cpu->mask != 0 || cpu_refill(frames, cpu);
        uint64_t single = filled ? cpu_pop(cpu) : NOT_FOUND;
        leave(cpu);
        if (filled)
            return finish(frames, single, request);
    }
    struct frame_range window = everything;
    if (request.below.number != 0 && request.below.number < window.end.number)
        window.end = request.below;
    uint64_t found = NOT_FOUND;
    if (request.node == 0 && request.order < BLOCK_SHIFT && request.below.number == 0 &&
        !cpu->busy) {
        enter(cpu);
        found = cpu_find_run(frames, cpu, request.order);
        leave(cpu);
    }
    if (found == NOT_FOUND && request.node != 0)
        found = find_on_nodes(frames, request, window);
    if (found == NOT_FOUND)
        found = find_run(frames, request.order, window);
    if (found == NOT_FOUND)
        found = find_hidden(frames, request.order, window);
    if (found != NOT_FOUND) {
        book(frames, cpu, (int64_t)1 << request.order);
        if (request.order == BLOCK_SHIFT)
            remember(cpu, block_of(frames, found));
    }
    return finish(frames, found, request);
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
    bool found = find_at(frames, frame.number, order);
    if (!found && frame_drain(frames))
        found = find_at(frames, frame.number, order);
    if (!found) {
        frame_home_drain_others(frames);
        found = find_at(frames, frame.number, order);
    }
    if (!found)
        return false;
    book(frames, this_cpu(frames), (int64_t)1 << order);
    if (FRAME_DEBUG)
        frame_debug_alloc(frames, frame.number, order);
    return true;
}

void frame_free_slow(struct frames *frames, frame_t frame, unsigned order)
{
    struct frame_cpu *cpu = this_cpu(frames);
    check_free(frames, frame, order);
    put(frames, frame.number, order);
    book(frames, cpu, -((int64_t)1 << order));
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

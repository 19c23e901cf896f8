/* SPDX-License-Identifier: MIT */
/*
 * What the frame allocator records with FRAME_DEBUG: for each frame a byte, 1 + the order of the
 * block in use that starts there, or 0. So a free that is no answer to an allocation is seen at
 * once, and told for what it is.
 */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

size_t frame_debug_size(uint64_t spans)
{
    return FRAME_DEBUG ? spans * SPAN_FRAMES : 0;
}

static uint8_t *record_of(const struct frames *frames, uint64_t frame)
{
    uint64_t slot = (uint64_t)(frames->span[frame >> SPAN_SHIFT] - frames->spans);
    return frames->debug + slot * SPAN_FRAMES + frame % SPAN_FRAMES;
}

static unsigned recorded(const struct frames *frames, uint64_t frame)
{
    return open_span(frames, frame >> SPAN_SHIFT) != NULL ? atomic_peek(record_of(frames, frame))
                                                          : 0;
}

void frame_debug_open(struct frames *frames, uint64_t gib)
{
    uint64_t *word = (uint64_t *)record_of(frames, gib << SPAN_SHIFT);
    for (uint64_t i = 0; i < SPAN_FRAMES / sizeof *word; i++)
        word[i] = 0;
}

void frame_debug_alloc(struct frames *frames, uint64_t frame, unsigned order)
{
    uint8_t old = atomic_exchange(record_of(frames, frame), (uint8_t)(order + 1));
    if (old != 0)
        frame_port_panic("frame_alloc: frame 0x%llx, order %u, is in use with order %u",
                         (unsigned long long)frame, order, old - 1U);
}

/* Says why no block of that order in use starts there. */
static _Noreturn void panic_about(const struct frames *frames, uint64_t frame, unsigned order)
{
    unsigned record = recorded(frames, frame);
    if (record != 0)
        frame_port_panic("frame_free: frame 0x%llx was taken with order %u, not %u",
                         (unsigned long long)frame, record - 1, order);
    for (unsigned k = 1; k <= FRAME_ORDER_MAX; k++) {
        uint64_t start = frame >> k << k;
        if (start != frame && recorded(frames, start) > k)
            frame_port_panic("frame_free: frame 0x%llx, order %u, lies in the block 0x%llx",
                             (unsigned long long)frame, order, (unsigned long long)start);
    }
    frame_port_panic("frame_free: frame 0x%llx, order %u, is free already, in part or as a whole",
                     (unsigned long long)frame, order);
}

void frame_debug_free(struct frames *frames, uint64_t frame, unsigned order)
{
    frame_check_place(frames, "frame_free", frame, order);
    uint8_t expected = (uint8_t)(order + 1);
    if (open_span(frames, frame >> SPAN_SHIFT) == NULL ||
        !atomic_cas(record_of(frames, frame), &expected, 0))
        panic_about(frames, frame, order);
}

void frame_debug_split(struct frames *frames, uint64_t block, unsigned order, uint64_t part,
                       unsigned part_order)
{
    frame_debug_free(frames, block, order);
    while (order-- > part_order) {
        uint64_t low = part >> (order + 1) << (order + 1), high = low + ((uint64_t)1 << order);
        frame_debug_alloc(frames, part >= high ? low : high, order);
    }
    frame_debug_alloc(frames, part, part_order);
}

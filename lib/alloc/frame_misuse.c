/* SPDX-License-Identifier: MIT */
/* What a caller of the frame allocator did wrong, as a sentence. */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

void frame_check_place(const struct frames *frames, const char *who, uint64_t frame, unsigned order)
{
    if (order > FRAME_ORDER_MAX)
        frame_port_panic("%s: there is no order %u, the largest is %u", who, order,
                         FRAME_ORDER_MAX);
    if (!bits_is_aligned(frame, (uint64_t)1 << order))
        frame_port_panic("%s: frame 0x%llx is not aligned to its order %u", who,
                         (unsigned long long)frame, order);
    if (!frame_is_managed(frames, frame, (uint64_t)1 << order))
        frame_port_panic("%s: frame 0x%llx, order %u, is not memory that is managed here", who,
                         (unsigned long long)frame, order);
}

void frame_check_request(const struct frames *frames, struct frame_request request)
{
    if (request.order > FRAME_ORDER_MAX)
        frame_port_panic("frame_alloc: there is no order %u, the largest is %u", request.order,
                         FRAME_ORDER_MAX);
    if (request.flags & ~(FRAME_ZERO | FRAME_ATOMIC))
        frame_port_panic("frame_alloc: there are no flags 0x%x", request.flags);
    if (request.node > frames->nodes)
        frame_port_panic("frame_alloc: there is no node %u", request.node - 1U);
}

void frame_misuse(const struct frames *frames, const char *who, uint64_t frame, unsigned order)
{
    frame_check_place(frames, who, frame, order);
    frame_port_panic("%s: frame 0x%llx, order %u, is free already, in part or as a whole", who,
                     (unsigned long long)frame, order);
}

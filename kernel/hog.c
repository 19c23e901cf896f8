/* SPDX-License-Identifier: MIT */
/* See hog.h. */
#include "kernel/hog.h"

#include <machine.h>

#include "kernel/mm/pmm.h"

struct hogged {
    frame_t next;
    unsigned order;
};

static struct hogged *hogged_at(frame_t frame)
{
    return machine_phys_to_virt(phys_of_frame(frame));
}

void hog_take(struct hog *hog, uint64_t leave, void (*visit)(frame_t frame, unsigned order))
{
    hog->top = FRAME_NONE;
    for (unsigned order = FRAME_ORDERS; order-- > 0;) {
        struct frame_request request = {.order = (uint8_t)order};
        while (pmm_account().free >= leave + ((uint64_t)1 << order)) {
            frame_t frame = pmm_alloc(PMM_KERNEL, request);
            if (frame_is_none(frame))
                break;
            if (visit != NULL)
                visit(frame, order);
            *hogged_at(frame) = (struct hogged){hog->top, order};
            hog->top = frame;
        }
    }
}

void hog_release(struct hog *hog)
{
    while (!frame_is_none(hog->top)) {
        struct hogged block = *hogged_at(hog->top);
        pmm_free(PMM_KERNEL, hog->top, block.order);
        hog->top = block.next;
    }
}

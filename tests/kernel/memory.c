/* SPDX-License-Identifier: MIT */
/* What the in-kernel tests of the memory layers share. */
#include "tests/kernel/memory.h"

#include <machine.h>

#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/pmm.h"
#include "kernel/mm/vmalloc.h"

bool memory_is_filled(const void *memory, unsigned char byte, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

uint64_t memory_free_frames(void)
{
    return pmm_account().free;
}

struct hogged {
    frame_t next;
    unsigned order;
};

static struct hogged *hogged_at(frame_t frame)
{
    return machine_phys_to_virt(phys_of_frame(frame));
}

void memory_hog_take(struct memory_hog *hog, uint64_t leave,
                     void (*visit)(frame_t frame, unsigned order))
{
    hog->top = FRAME_NONE;
    for (unsigned order = FRAME_ORDER_MAX + 1; order-- > 0;) {
        struct frame_request request = {.order = (uint8_t)order};
        while (memory_free_frames() >= leave + ((uint64_t)1 << order)) {
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

void memory_hog_release(struct memory_hog *hog)
{
    while (!frame_is_none(hog->top)) {
        struct hogged block = *hogged_at(hog->top);
        pmm_free(PMM_KERNEL, hog->top, block.order);
        hog->top = block.next;
    }
}

void memory_check_everything(void)
{
    KTEST_CHECK(pmm_check(ktest_report) == 0);
    KTEST_CHECK(kspace_audit(ktest_report) == 0);
    KTEST_CHECK(aspace_check(kspace(), ktest_report) == 0);
    KTEST_CHECK(kmalloc_check(ktest_report) == 0);
    KTEST_CHECK(vmalloc_check(ktest_report) == 0);
}

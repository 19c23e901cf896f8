/* SPDX-License-Identifier: MIT */
/*
 * Physical frames on the real machine: they are memory, the account adds up, and what was taken
 * comes back.
 */
#include <machine.h>

#include "kernel/arch/x86_64/image.h"
#include "kernel/fault.h"
#include "kernel/hog.h"
#include "kernel/ktest.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/pmm.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

KTEST(pmm, account_adds_up_to_the_ram)
{
    struct pmm_account a = pmm_account();
    KTEST_CHECK(a.free + a.kernel + a.tables + a.heap + a.firmware + a.reserved == a.ram);
    KTEST_CHECK(a.tables == kspace_paging()->tables);
    memory_check_everything();
}

KTEST(pmm, frame_is_memory_and_comes_back)
{
    uint64_t before = memory_free_frames();
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
    KTEST_CHECK(!frame_is_none(frame));
    unsigned char *memory = machine_phys_to_virt(phys_of_frame(frame));
    KTEST_CHECK(memory_is_filled(memory, 0, PAGE_SIZE));
    memset(memory, 0x5a, PAGE_SIZE);
    KTEST_CHECK(memory_is_filled(memory, 0x5a, PAGE_SIZE));
    KTEST_CHECK(memory_free_frames() == before - 1);
    pmm_free(PMM_KERNEL, frame, 0);
    KTEST_CHECK(memory_free_frames() == before);
}

KTEST(pmm, every_order_is_aligned_and_comes_back)
{
    uint64_t before = memory_free_frames();
    for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
        frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = (uint8_t)order});
        if (frame_is_none(frame))
            continue; /* the machine has no block so large */
        KTEST_CHECK(frame.number % ((uint64_t)1 << order) == 0);
        KTEST_CHECK(memory_free_frames() == before - ((uint64_t)1 << order));
        pmm_free(PMM_KERNEL, frame, order);
        KTEST_CHECK(memory_free_frames() == before);
    }
    memory_check_everything();
}

KTEST(pmm, ceiling_is_kept)
{
    frame_t below = frame_of_phys((phys_t){MIB});
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.below = below});
    KTEST_CHECK(!frame_is_none(frame));
    KTEST_CHECK(frame.number > 0 && frame.number < below.number);
    pmm_free(PMM_KERNEL, frame, 0);
}

static void free_twice(void *argument)
{
    frame_t frame = *(frame_t *)argument;
    pmm_free(PMM_KERNEL, frame, 0);
    pmm_free(PMM_KERNEL, frame, 0);
}

KTEST(pmm, double_free_panics)
{
    struct fault fault;
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
    KTEST_CHECK(!fault_try(free_twice, &frame, &fault));
    KTEST_CHECK(fault.vector == FAULT_PANIC);
    memory_check_everything();
}

static void expect_beside_image(frame_t frame, unsigned order)
{
    phys_t image;
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)image_start, &image));
    uint64_t start = frame_of_phys(image).number;
    uint64_t end = start + ((uint64_t)(image_end - image_start) >> PAGE_SHIFT);
    KTEST_CHECK(frame.number >= end || frame.number + ((uint64_t)1 << order) <= start);
}

KTEST(pmm, all_memory_can_be_taken_and_none_of_it_is_the_kernel)
{
    uint64_t before = memory_free_frames();
    struct hog hog;
    pmm_use_reserve(true);
    hog_take(&hog, 0, expect_beside_image);
    uint64_t left = memory_free_frames();
    frame_t one_more = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
    pmm_use_reserve(false);
    hog_release(&hog);
    KTEST_CHECK(left == 0 && frame_is_none(one_more));
    KTEST_CHECK(memory_free_frames() == before);
    memory_check_everything();
}

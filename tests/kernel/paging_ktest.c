/* SPDX-License-Identifier: MIT */
/*
 * Page tables on the real machine: the CPU sees every change, and the audit sees what breaks its
 * rules.
 */
#include <machine.h>

#include "kernel/arch/x86_64/image.h"
#include "kernel/ktest.h"
#include "kernel/memlayout.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/pmm.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

KTEST(paging, changed_translation_is_seen_by_the_cpu)
{
    struct paging *paging = kspace_paging();
    uintptr_t virt = MEMLAYOUT_MMAP_END - 2 * PAGE_SIZE;
    frame_t a = pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
    frame_t b = pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
    volatile uint64_t *word = (volatile uint64_t *)virt;

    unsigned flags = PAGE_READ | PAGE_WRITE | PAGE_GLOBAL;
    KTEST_CHECK(paging_map(paging, virt, phys_of_frame(a), PAGE_SIZE, flags) == 0);
    *word = 1;
    KTEST_CHECK(paging_unmap(paging, virt, PAGE_SIZE, NULL) == 0);
    KTEST_CHECK(paging_map(paging, virt, phys_of_frame(b), PAGE_SIZE, flags) == 0);
    KTEST_CHECK(*word == 0);
    *word = 2;
    KTEST_CHECK(*(uint64_t *)machine_phys_to_virt(phys_of_frame(a)) == 1);
    KTEST_CHECK(*(uint64_t *)machine_phys_to_virt(phys_of_frame(b)) == 2);
    KTEST_CHECK(paging_unmap(paging, virt, PAGE_SIZE, NULL) == 0);
    pmm_free(PMM_KERNEL, a, 0);
    pmm_free(PMM_KERNEL, b, 0);
    memory_check_everything();
}

KTEST(paging, large_pages_work_and_split)
{
    memory_need(6 * MIB); /* of which 2 MiB are aligned */
    struct paging *paging = kspace_paging();
    uintptr_t virt = MEMLAYOUT_MMAP_START + 64 * GIB;
    uint64_t tables = paging->tables;
    frame_t block = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = 9});
    struct page page;
    KTEST_CHECK(!frame_is_none(block));
    KTEST_CHECK(paging_map(paging, virt, phys_of_frame(block), 2 * MIB,
                           PAGE_READ | PAGE_WRITE | PAGE_GLOBAL) == 0);
    KTEST_CHECK(paging_find(paging, virt, &page) && page.level == 1);
    memset((void *)virt, 0x77, 2 * MIB);
    KTEST_CHECK(paging_protect(paging, virt + MIB, PAGE_SIZE, PAGE_READ | PAGE_GLOBAL) == 0);
    KTEST_CHECK(paging_find(paging, virt, &page) && page.level == 0);
    KTEST_CHECK(memory_is_filled((void *)virt, 0x77, 2 * MIB));
    KTEST_CHECK(paging_unmap(paging, virt, 2 * MIB, NULL) == 0);
    KTEST_CHECK(paging->tables == tables);
    pmm_free(PMM_KERNEL, block, 9);
    memory_check_everything();
}

KTEST(paging, audit_finds_a_writable_alias_of_the_text)
{
    struct paging *paging = kspace_paging();
    uintptr_t virt = MEMLAYOUT_MMAP_END - PAGE_SIZE;
    phys_t text;
    KTEST_CHECK(paging_translate(paging, (uintptr_t)image_start, &text));
    KTEST_CHECK(paging_map(paging, virt, text, PAGE_SIZE, PAGE_READ | PAGE_WRITE | PAGE_GLOBAL) ==
                0);
    size_t violations = kspace_audit(ktest_report);
    KTEST_CHECK(paging_unmap(paging, virt, PAGE_SIZE, NULL) == 0);
    KTEST_CHECK(violations == 1);
    KTEST_CHECK(kspace_audit(ktest_report) == 0);
}

/* The kernel's text is in the direct map nowhere, not even to be read. */
KTEST(paging, direct_map_leaves_out_the_kernel_image)
{
    phys_t text, phys;
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)image_start, &text));
    KTEST_CHECK(!paging_translate(kspace_paging(), (uintptr_t)machine_phys_to_virt(text), &phys));
    KTEST_CHECK(!paging_translate(kspace_paging(), 0, &phys));
}

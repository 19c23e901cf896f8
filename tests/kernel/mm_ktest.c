/* SPDX-License-Identifier: MIT */
/*
 * The memory layers on the real machine: frames are really memory, mappings are really obeyed by the
 * CPU, the account adds up, and what was taken comes back.
 */
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/memlayout.h"
#include "kernel/mm/brk.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/mmap.h"
#include "kernel/mm/pmm.h"
#include "lib/alloc/heap.h"
#include "lib/error.h"
#include "lib/string.h"

#include <machine.h>

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static bool is_filled(const void *memory, unsigned char byte, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

static uint64_t free_frames(void)
{
    return pmm_account().free;
}

/* All checkers. */
static void check_everything(void)
{
    KTEST_CHECK(pmm_check(ktest_report) == 0);
    KTEST_CHECK(kspace_audit(ktest_report) == 0);
    KTEST_CHECK(aspace_check(kspace(), ktest_report) == 0);
    KTEST_CHECK(kmalloc_check(ktest_report) == 0);
}

/* frames */

KTEST(pmm, account_adds_up_to_the_ram)
{
    struct pmm_account a = pmm_account();
    KTEST_CHECK(a.free + a.kernel + a.tables + a.heap + a.firmware + a.reserved == a.ram);
    KTEST_CHECK(a.tables == kspace_paging()->tables);
    check_everything();
}

KTEST(pmm, frame_is_memory_and_comes_back)
{
    uint64_t before = free_frames();
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
    KTEST_CHECK(!frame_is_none(frame));
    unsigned char *memory = machine_phys_to_virt(phys_of_frame(frame));
    KTEST_CHECK(is_filled(memory, 0, PAGE_SIZE));
    memset(memory, 0x5a, PAGE_SIZE);
    KTEST_CHECK(is_filled(memory, 0x5a, PAGE_SIZE));
    KTEST_CHECK(free_frames() == before - 1);
    pmm_free(PMM_KERNEL, frame, 0);
    KTEST_CHECK(free_frames() == before);
}

KTEST(pmm, every_order_is_aligned_and_comes_back)
{
    uint64_t before = free_frames();
    for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
        frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = (uint8_t)order});
        if (frame_is_none(frame))
            continue; /* the machine has no block so large */
        KTEST_CHECK(frame.number % ((uint64_t)1 << order) == 0);
        KTEST_CHECK(free_frames() == before - ((uint64_t)1 << order));
        pmm_free(PMM_KERNEL, frame, order);
        KTEST_CHECK(free_frames() == before);
    }
    check_everything();
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
    check_everything();
}

KTEST(pmm, kernel_image_is_never_handed_out)
{
    phys_t image;
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)image_start, &image));
    uint64_t first = frame_of_phys(image).number;
    uint64_t count = (uint64_t)(image_end - image_start) >> PAGE_SHIFT;
    uint64_t taken = 0, total = free_frames();
    frame_t stack = FRAME_NONE; /* a list through the frames themselves */
    for (;;) {
        frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
        if (frame_is_none(frame) || taken == 100000)
            break;
        KTEST_CHECK(frame.number - first >= count);
        *(frame_t *)machine_phys_to_virt(phys_of_frame(frame)) = stack;
        stack = frame;
        taken++;
    }
    KTEST_CHECK(taken == (total < 100000 ? total : 100000) || taken == 100000);
    while (!frame_is_none(stack)) {
        frame_t next = *(frame_t *)machine_phys_to_virt(phys_of_frame(stack));
        pmm_free(PMM_KERNEL, stack, 0);
        stack = next;
    }
    check_everything();
}

/* paging */

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
    check_everything();
}

KTEST(paging, large_pages_work_and_split)
{
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
    KTEST_CHECK(is_filled((void *)virt, 0x77, 2 * MIB));
    KTEST_CHECK(paging_unmap(paging, virt, 2 * MIB, NULL) == 0);
    KTEST_CHECK(paging->tables == tables);
    pmm_free(PMM_KERNEL, block, 9);
    check_everything();
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

/* brk */

KTEST(brk, grown_memory_is_zero_also_after_shrinking)
{
    char *start = ksbrk(0);
    for (int round = 0; round < 2; round++) {
        char *grown = ksbrk((intptr_t)MIB);
        KTEST_CHECK(grown == start);
        KTEST_CHECK(is_filled(grown, 0, MIB));
        memset(grown, 0xee, MIB);
        KTEST_CHECK(ksbrk(-(intptr_t)MIB) == start + MIB);
        KTEST_CHECK(ksbrk(0) == start);
    }
    check_everything();
}

KTEST(brk, impossible_growth_changes_nothing)
{
    void *start = ksbrk(0);
    uint64_t before = free_frames();
    KTEST_CHECK(ksbrk(INTPTR_MAX) == (void *)-1);
    KTEST_CHECK(ksbrk(INTPTR_MIN) == (void *)-1);
    KTEST_CHECK(ksbrk((intptr_t)(pmm_account().ram << PAGE_SHIFT)) == (void *)-1);
    KTEST_CHECK(ksbrk(0) == start);
    KTEST_CHECK(free_frames() == before);
    check_everything();
}

/* mmap */

static void write_byte(void *address)
{
    *(volatile char *)address = 1;
}

static void read_byte(void *address)
{
    (void)*(volatile char *)address;
}

static bool faults(void (*access)(void *), intptr_t address)
{
    struct fault fault;
    return !fault_try(access, (void *)address, &fault) && fault.vector == TRAP_PAGE_FAULT &&
           fault.address == (uintptr_t)address;
}

KTEST(mmap, protections_are_obeyed_by_the_cpu)
{
    uint64_t before = free_frames();
    intptr_t start = kmmap(0, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANONYMOUS);
    KTEST_CHECK(!is_error(start));
    KTEST_CHECK(is_filled((void *)start, 0, 3 * PAGE_SIZE));
    memset((void *)start, 0x33, 3 * PAGE_SIZE);

    intptr_t middle = start + (intptr_t)PAGE_SIZE;
    KTEST_CHECK(kmprotect((uintptr_t)middle, PAGE_SIZE, PROT_READ) == 0);
    KTEST_CHECK(faults(write_byte, middle));
    KTEST_CHECK(!faults(read_byte, middle));
    KTEST_CHECK(kmprotect((uintptr_t)middle, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_CHECK(faults(read_byte, middle));
    KTEST_CHECK(kmprotect((uintptr_t)middle, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
    KTEST_CHECK(is_filled((void *)start, 0x33, 3 * PAGE_SIZE));

    KTEST_CHECK(kmunmap((uintptr_t)start, 3 * PAGE_SIZE) == 0);
    KTEST_CHECK(faults(read_byte, start));
    KTEST_CHECK(free_frames() == before);
    check_everything();
}

KTEST(mmap, executable_memory_runs_but_cannot_be_written)
{
    intptr_t start = kmmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, ANONYMOUS);
    KTEST_CHECK(!is_error(start));
    *(unsigned char *)start = 0xc3; /* ret */
    KTEST_CHECK(kmprotect((uintptr_t)start, PAGE_SIZE, PROT_WRITE | PROT_EXEC) == -EINVAL);
    KTEST_CHECK(kmprotect((uintptr_t)start, PAGE_SIZE, PROT_READ | PROT_EXEC) == 0);
    ((void (*)(void))start)();
    KTEST_CHECK(faults(write_byte, start));
    KTEST_CHECK(kmunmap((uintptr_t)start, PAGE_SIZE) == 0);
}

KTEST(mmap, more_than_the_machine_has_is_refused_without_loss)
{
    uint64_t before = free_frames();
    KTEST_CHECK(kmmap(0, (pmm_account().ram + 1) << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                      ANONYMOUS) == -ENOMEM);
    KTEST_CHECK(free_frames() == before);
    check_everything();
}

/* kmalloc */

KTEST(kmalloc, blocks_of_all_sizes_hold_their_contents)
{
    enum { BLOCKS = 200 };
    static unsigned char *block[BLOCKS];
    uint64_t before = free_frames();
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = (i * i * 37) % 100000;
        block[i] = kmalloc(size, 0);
        KTEST_CHECK(block[i] != NULL && (uintptr_t)block[i] % 16 == 0);
        KTEST_CHECK(ksize(block[i]) >= size);
        memset(block[i], (int)i, size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        KTEST_CHECK(is_filled(block[i], (unsigned char)i, (i * i * 37) % 100000));
        kfree_sized(block[i], (i * i * 37) % 100000);
    }
    check_everything();
    KTEST_CHECK(before - free_frames() < MIB >> PAGE_SHIFT);
}

KTEST(kmalloc, realloc_and_calloc_keep_their_promises)
{
    unsigned char *block = kcalloc(100, 10, 0);
    KTEST_CHECK(block != NULL && is_filled(block, 0, 1000));
    memset(block, 0x42, 1000);
    block = krealloc(block, 300000, 0);
    KTEST_CHECK(block != NULL && is_filled(block, 0x42, 1000));
    block = krealloc(block, 10, 0);
    KTEST_CHECK(block != NULL && is_filled(block, 0x42, 10));
    kfree(block);
    KTEST_CHECK(kcalloc(SIZE_MAX, 2, 0) == NULL);
    KTEST_CHECK(kmalloc(SIZE_MAX, 0) == NULL);
    KTEST_CHECK(kmalloc((size_t)PTRDIFF_MAX + 1, 0) == NULL);
    kfree(NULL);
}

KTEST(kmalloc, dma_memory_is_contiguous_and_below_4_gib)
{
    uint64_t before = free_frames();
    char *block = kmalloc(5 * PAGE_SIZE, KM_DMA32 | KM_ZERO);
    phys_t first, phys;
    KTEST_CHECK(block != NULL && is_filled(block, 0, 5 * PAGE_SIZE));
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)block, &first));
    for (size_t at = 0; at < 5 * PAGE_SIZE; at += PAGE_SIZE) {
        KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)block + at, &phys));
        KTEST_CHECK(phys.addr == first.addr + at && phys.addr < 4 * GIB);
    }
    kfree(block);
    KTEST_CHECK(before - free_frames() < MIB >> PAGE_SHIFT);
    check_everything();
}

static void free_block(void *block)
{
    kfree(block);
}

static void expect_refusal(void *block)
{
    struct fault fault;
    KTEST_CHECK(!fault_try(free_block, block, &fault));
    KTEST_CHECK(fault.vector == FAULT_PANIC);
}

KTEST(kmalloc, misuse_panics_and_does_no_harm)
{
    char local;
    char *small = kmalloc(48, 0), *large = kmalloc(200000, 0);
    expect_refusal(&local);
    expect_refusal(image_start);
    expect_refusal(small + 16);
    expect_refusal(large + 4096);
    kfree(small);
    expect_refusal(small);
    kfree(large);
    expect_refusal(large);
    check_everything();
}

KTEST(kmalloc, exhaustion_returns_null_and_everything_comes_back)
{
    kfree(kmalloc(1, 0)); /* the heap keeps a first slab */
    uint64_t before = free_frames();
    void **list = NULL;
    size_t size = 1 * MIB, got = 0;
    while (size >= 32) {
        void **block = got < 5000 ? kmalloc(size, 0) : NULL;
        if (block == NULL) {
            size /= 2;
            got = 0;
            continue;
        }
        *block = list;
        list = block;
        got++;
    }
    KTEST_CHECK(kmalloc_check(ktest_report) == 0);
    while (list != NULL) {
        void **next = *list;
        kfree(list);
        list = next;
    }
    check_everything();
    KTEST_CHECK(before - free_frames() < 4 * MIB >> PAGE_SHIFT);
}

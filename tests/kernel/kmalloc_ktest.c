/* SPDX-License-Identifier: MIT */
/* The kernel heap on the real machine. */
#include "kernel/arch/x86_64/image.h"
#include "kernel/fault.h"
#include "kernel/hog.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/pmm.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

/* What is out of the heap, and the frames behind it once it has given back what it can. */
struct holding {
    uint64_t small, large, large_bytes, frames;
};

static struct holding holding(void)
{
    static struct heap_stats stats;
    kmalloc_trim();
    heap_stats(kmalloc_world(), &stats);
    struct holding held = {.large = stats.runs + stats.huge,
                           .large_bytes = stats.run_bytes + stats.huge_bytes,
                           .frames = pmm_account().heap - stats.metadata_bytes / PAGE_SIZE};
    for (size_t i = 0; i < HEAP_CLASSES; i++)
        held.small += stats.classes[i].used;
    return held;
}

static void check_nothing_more_is_held(struct holding before)
{
    struct holding now = holding();
    KTEST_CHECK(now.small == before.small);
    KTEST_CHECK(now.large == before.large);
    KTEST_CHECK(now.large_bytes == before.large_bytes);
    KTEST_CHECK(now.frames == before.frames);
}

KTEST(kmalloc, blocks_of_all_sizes_hold_their_contents)
{
    enum { BLOCKS = 200 };
    static unsigned char *block[BLOCKS];
    struct holding before = holding();
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = (i * i * 37) % 100000;
        block[i] = kmalloc(size, 0);
        KTEST_CHECK(block[i] != NULL && (uintptr_t)block[i] % 16 == 0);
        KTEST_CHECK(ksize(block[i]) >= size);
        memset(block[i], (int)i, size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        KTEST_CHECK(memory_is_filled(block[i], (unsigned char)i, (i * i * 37) % 100000));
        kfree_sized(block[i], (i * i * 37) % 100000);
    }
    memory_check_everything();
    check_nothing_more_is_held(before);
}

KTEST(kmalloc, realloc_and_calloc_keep_their_promises)
{
    unsigned char *block = kcalloc(100, 10, 0);
    KTEST_CHECK(block != NULL && memory_is_filled(block, 0, 1000));
    memset(block, 0x42, 1000);
    block = krealloc(block, 300000, 0);
    KTEST_CHECK(block != NULL && memory_is_filled(block, 0x42, 1000));
    block = krealloc(block, 10, 0);
    KTEST_CHECK(block != NULL && memory_is_filled(block, 0x42, 10));
    kfree(block);
    KTEST_CHECK(kcalloc(SIZE_MAX, 2, 0) == NULL);
    KTEST_CHECK(kmalloc(SIZE_MAX, 0) == NULL);
    KTEST_CHECK(kmalloc((size_t)PTRDIFF_MAX + 1, 0) == NULL);
    kfree(NULL);
}

KTEST(kmalloc, dma_memory_is_contiguous_and_below_4_gib)
{
    struct holding before = holding();
    char *block = kmalloc(5 * PAGE_SIZE, KM_DMA32 | KM_ZERO);
    phys_t first, phys;
    KTEST_CHECK(block != NULL && memory_is_filled(block, 0, 5 * PAGE_SIZE));
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)block, &first));
    for (size_t at = 0; at < 5 * PAGE_SIZE; at += PAGE_SIZE) {
        KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)block + at, &phys));
        KTEST_CHECK(phys.addr == first.addr + at && phys.addr < 4 * GIB);
    }
    kfree(block);
    check_nothing_more_is_held(before);
    memory_check_everything();
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
    memory_check_everything();
}

KTEST(kmalloc, exhaustion_returns_null_and_everything_comes_back)
{
    struct holding before = holding();
    struct hog hog;
    hog_take(&hog, 32 * MIB >> PAGE_SHIFT, NULL);
    void **list = NULL;
    for (size_t size = 4 * MIB; size >= 32; size /= 2) {
        for (void **block = kmalloc(size, 0); block != NULL; block = kmalloc(size, 0)) {
            *block = list;
            list = block;
        }
    }
    KTEST_CHECK(kmalloc(32, 0) == NULL);
    KTEST_CHECK(kmalloc_check(ktest_report) == 0);
    while (list != NULL) {
        void **next = *list;
        kfree(list);
        list = next;
    }
    hog_release(&hog);
    memory_check_everything();
    check_nothing_more_is_held(before);
}

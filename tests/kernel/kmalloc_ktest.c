/* SPDX-License-Identifier: MIT */
/* The kernel heap on the real machine. */
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/percpu_heap.h"
#include "kernel/fault.h"
#include "kernel/hog.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmalloc_cpu.h"
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
    memory_need(16 * MIB);
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

/* Takes blocks until there are none; returns their list. */
static void **take_all(size_t size, unsigned flags)
{
    void **list = NULL;
    for (void **block = kmalloc(size, flags); block != NULL; block = kmalloc(size, flags)) {
        *block = list;
        list = block;
    }
    return list;
}

static size_t free_list(void **list)
{
    size_t count = 0;
    for (; list != NULL; count++) {
        void **next = *list;
        kfree(list);
        list = next;
    }
    return count;
}

KTEST(kmalloc, atomic_has_a_reserve_that_others_do_not_touch)
{
    memory_need(4 * MIB);
    struct holding before = holding();
    struct hog hog;
    hog_take(&hog, 4 * MIB >> PAGE_SHIFT, NULL);
    void **list = take_all(20000, KM_NOWAIT);
    bool is_out = kmalloc(20000, 0) == NULL;
    void **more = take_all(20000, KM_ATOMIC);
    free_list(list);
    size_t atomic = free_list(more);
    hog_release(&hog);
    KTEST_CHECK(is_out && atomic > 0);
    check_nothing_more_is_held(before);
}

static void **hoard; /* of the shrinker below */
static unsigned shrunk;

static size_t give_hoard(struct kmalloc_shrinker *shrinker, size_t bytes)
{
    (void)shrinker;
    (void)bytes;
    size_t count = free_list(hoard);
    hoard = NULL;
    shrunk++;
    return count * 100000;
}

KTEST(kmalloc, shrinkers_run_before_an_allocation_fails)
{
    static struct kmalloc_shrinker shrinker = {.shrink = give_hoard};
    memory_need(6 * MIB);
    struct holding before = holding();
    struct hog hog;
    hog_take(&hog, 8 * MIB >> PAGE_SHIFT, NULL); /* the reserve is half of it at most */
    hoard = take_all(100000, KM_NOWAIT);
    shrunk = 0;
    kmalloc_add_shrinker(&shrinker);
    bool waited = kmalloc(100000, KM_NOWAIT) != NULL;
    bool ran = shrunk != 0;
    void *block = kmalloc(100000, 0);
    kmalloc_remove_shrinker(&shrinker);
    kfree(block);
    hog_release(&hog);
    KTEST_CHECK(!waited && !ran);
    KTEST_CHECK(block != NULL && shrunk == 1 && hoard == NULL);
    check_nothing_more_is_held(before);
}

KTEST(kmalloc, handlers_get_null_when_their_slices_are_used_up)
{
    kmalloc_idle(); /* fills the reserve */
    struct percpu *this = percpu_this();
    if (this->slices_kept < 2)
        ktest_skip("this machine has too little memory for two slices in reserve");
    asm_interrupts_off();
    percpu_enter_interrupt(this);
    void *dma = kmalloc(4096, KM_ATOMIC | KM_DMA32);
    void *large = kmalloc(200000, KM_ATOMIC);
    void **list = take_all(4096, KM_ATOMIC);
    percpu_leave_interrupt(this);
    asm_interrupts_on();
    size_t count = free_list(list); /* as if from elsewhere */
    kfree(dma);
    KTEST_CHECK(count >= HEAP_SLICE_SIZE / 4096);
    KTEST_CHECK(large == NULL && dma != NULL);
    kmalloc_idle();
    memory_check_everything();
}

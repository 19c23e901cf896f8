/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/kmalloc.c: flags, KM_DMA32 blocks over hosted frames, and
 * misuse. The heap below has a hosted port. */
#include "kernel/mm/kmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/mm/pmm.h"
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_port.h"
#include "lib/bits.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/ram.h"
#include "tests/host/told.h"

static int begin(void **state)
{
    (void)state;
    ram_start(64 * MIB);
    kmalloc_init();
    return 0;
}

/* Every test frees what it takes. */
static int end(void **state)
{
    (void)state;
    assert_int_equal(kmalloc_check(ram_told), 0);
    kmalloc_trim();
    assert_int_equal(heap_taken(kmalloc_world()), kmalloc_world()->record_bytes);
    assert_int_equal(pmm_account().heap, 0);
    assert_int_equal(pmm_check(ram_told), 0);
    ram_stop();
    return 0;
}

static bool is_zero(const void *block)
{
    for (size_t i = 0; i < ksize(block); i++)
        if (((const char *)block)[i] != 0)
            return false;
    return true;
}

static uint64_t phys(const void *block)
{
    return (uint64_t)((const unsigned char *)block - host_memory);
}

static void kmalloc_gives_blocks_aligned_to_a_power_of_two_size(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 8 * MIB; size *= 2) {
        char *block = kmalloc(size, KM_ATOMIC | KM_NOWAIT);
        assert_non_null(block);
        assert_true(bits_is_aligned((uintptr_t)block, size < 16 ? 16 : size));
        assert_true(ksize(block) >= size);
        kfree(block);
    }
}

static void kmalloc_zeroes_on_demand(void **state)
{
    (void)state;
    char *block = kmalloc(1000, 0);
    memset(block, 1, ksize(block));
    kfree(block);
    block = kmalloc(1000, KM_ZERO);
    assert_true(is_zero(block));
    memset(block, 1, 1000);
    kfree(block);
    block = kcalloc(10, 100, 0);
    assert_true(is_zero(block));
    kfree(block);
}

static void kcalloc_overflow_returns_null(void **state)
{
    (void)state;
    assert_null(kcalloc(SIZE_MAX / 2, 3, 0));
    assert_null(kcalloc((size_t)1 << 32, (size_t)1 << 32, KM_DMA32));
    assert_null(kmalloc(SIZE_MAX, 0));
    assert_null(kmalloc(SIZE_MAX, KM_DMA32));
    assert_null(kmalloc((size_t)1 << 63, 0));
    assert_null(kmalloc((size_t)1 << 63, KM_DMA32));
    assert_null(kmalloc_aligned(1, (size_t)1 << 63, KM_DMA32));
    assert_null(kmalloc(2 * GIB, KM_DMA32));
}

static void kmalloc_aligned_keeps_alignment_through_krealloc(void **state)
{
    (void)state;
    char *block = kmalloc_aligned(100, 8192, 0);
    strcpy(block, "kept");
    const size_t sizes[] = {9000, 50000, 20, 100000, 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block = krealloc(block, sizes[i], 0);
        assert_true(bits_is_aligned((uintptr_t)block, 8192));
        assert_string_equal(block, "kept");
    }
    kfree_sized(block, 0);
    expect_panic(kmalloc_aligned(10, 0, 0), "0 is not an alignment");
    expect_panic(kmalloc_aligned(10, 12, KM_DMA32), "12 is not an alignment");
}

static void kfree_sized_sees_a_wrong_size(void **state)
{
    (void)state;
    host_heap_debug = true;
    char *block = kmalloc(100, 0), *large = kmalloc(100000, 0), *dma = kmalloc(8192, KM_DMA32);
    expect_panic(kfree_sized(block, 99), "is a block of 100 bytes, freed as one of 99");
    expect_panic(kfree_sized(large, 8), "is a block of 100000 bytes, freed as one of 8");
    expect_panic(kfree_sized(dma, 8193), "is a block of 8192 bytes, not one for 8193");
    kfree_sized(block, 100);
    kfree_sized(large, 100000);
    kfree_sized(dma, 8192);
    kfree_sized(NULL, 5);
    expect_panic(kfree_sized(block, 100), "is already free");
    host_heap_debug = false;
}

static void unknown_flags_panic(void **state)
{
    (void)state;
    char *block = kmalloc(10, 0);
    expect_panic(kmalloc(10, 16), "0x10 is not a set of kmalloc flags");
    expect_panic(kcalloc(10, 1, 0x80000000), "is not a set of kmalloc flags");
    expect_panic(kmalloc_aligned(10, 16, 32), "is not a set of kmalloc flags");
    expect_panic(krealloc(NULL, 10, 32), "is not a set of kmalloc flags");
    expect_panic(krealloc(block, 10, 32), "is not a set of kmalloc flags");
    kfree(block);
}

static void dma32_blocks_are_frames(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 4096, 4097, 8192, 100000, 2 * MIB};
    const size_t frames[] = {1, 1, 1, 2, 2, 32, 512};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *block = kmalloc(sizes[i], KM_DMA32 | KM_ZERO);
        assert_int_equal(ksize(block), frames[i] * PAGE_SIZE);
        assert_int_equal(pmm_account().heap, frames[i]);
        assert_true(phys(block) < 4 * GIB && bits_is_aligned(phys(block), ksize(block)));
        assert_true(is_zero(block));
        kfree(block);
    }
    void *block = kmalloc_aligned(100, MIB, KM_DMA32);
    assert_true(bits_is_aligned(phys(block), MIB));
    kfree(block);
}

static void dma32_blocks_stay_what_they_are(void **state)
{
    (void)state;
    char *block = kmalloc(4096, KM_DMA32 | KM_ZERO);
    strcpy(block, "kept");
    assert_ptr_equal(krealloc(block, 10, 0), block);
    char *grown = krealloc(block, 5000, KM_ZERO);
    assert_ptr_not_equal(grown, block);
    assert_string_equal(grown, "kept");
    for (size_t i = 5; i < 8192; i++)
        assert_int_equal(grown[i], 0);
    assert_int_equal(pmm_account().heap, 2);
    grown = krealloc(grown, 20000, KM_DMA32);
    assert_string_equal(grown, "kept");
    assert_int_equal(pmm_account().heap, 8);
    kfree(grown);
    char *fresh = krealloc(NULL, 10, KM_DMA32);
    assert_int_equal(pmm_account().heap, 1);
    kfree(fresh);
    char *ordinary = kmalloc(10, 0);
    expect_panic(krealloc(ordinary, 20, KM_DMA32), "was not allocated with KM_DMA32");
    kfree(ordinary);
}

static void dma32_misuse_panics(void **state)
{
    (void)state;
    char *block = kmalloc(8192, KM_DMA32);
    expect_panic(kfree(block + 4096), "points 4096 bytes into a live KM_DMA32 block of 8192 bytes");
    expect_panic((void)ksize(block + 1), "points 1 bytes into a live KM_DMA32 block");
    expect_panic(kfree(block + 8192), "is not a heap pointer");
    kfree(block);
    expect_panic(kfree(block), "is not a heap pointer");
}

static void dma32_exhaustion_loses_nothing(void **state)
{
    (void)state;
    char *block = kmalloc(4096, KM_DMA32);
    strcpy(block, "kept");
    ram_fail_after(0, true);
    assert_null(kmalloc(4096, KM_DMA32));
    assert_null(krealloc(block, 8192, 0));
    assert_true(ram_fail_never());
    assert_string_equal(block, "kept");
    assert_int_equal(pmm_account().heap, 1);
    kfree(block);
}

static void dma32_without_room_for_a_record_loses_nothing(void **state)
{
    (void)state;
    host_heap_fail(0, true);
    assert_null(kmalloc(4096, KM_DMA32));
    assert_int_equal(pmm_account().heap, 0);
    host_heap_fail_never();
}

static void tag(uint64_t *block, uint64_t number)
{
    for (size_t i = 0; i < ksize(block) / sizeof *block; i++)
        block[i] = number;
}

static bool is_tagged(const uint64_t *block, uint64_t number)
{
    for (size_t i = 0; i < ksize(block) / sizeof *block; i++)
        if (block[i] != number)
            return false;
    return true;
}

static void many_dma32_blocks_are_told_apart(void **state)
{
    (void)state;
    uint64_t *blocks[500];
    for (size_t i = 0; i < 500; i++) {
        bool dma = i % 2 == 0;
        size_t size = i * 16;
        blocks[i] = kmalloc(size, dma ? KM_DMA32 : 0);
        if (dma)
            assert_int_equal(ksize(blocks[i]), size <= PAGE_SIZE ? PAGE_SIZE : 2 * PAGE_SIZE);
        else
            assert_in_range(ksize(blocks[i]), size, size + size / 4);
        tag(blocks[i], i);
    }
    for (size_t i = 0; i < 500; i++) {
        size_t chosen = i * 77 % 500;
        assert_true(is_tagged(blocks[chosen], chosen));
        kfree(blocks[chosen]);
    }
}

/* As kmalloc.c has it. */
struct dma_block {
    struct tree_node node;
    frame_t frame;
    unsigned order;
};

/* The record of a KM_DMA32 block, in the one slab of objects of its size. */
static struct dma_block *record_of(const void *block)
{
    struct dma_block *record = kmalloc(sizeof *record, 0);
    uintptr_t slab = bits_round_down((uintptr_t)record, HEAP_SLICE_SIZE);
    kfree(record);
    record = (struct dma_block *)(slab + HEAP_SLICE_SIZE % sizeof *record);
    while (record->node.key != (uintptr_t)block)
        record++;
    return record;
}

static void the_checker_sees_a_damaged_dma32_block(void **state)
{
    (void)state;
    char *block = kmalloc(4096, KM_DMA32);
    struct tree_node *record = &record_of(block)->node;
    record->key += 16;
    told_expect(kmalloc_check(told_collect), "is said to be at 0x");
    record->key -= 16;
    record->height += 5;
    told_expect(kmalloc_check(told_collect), "the tree of KM_DMA32 blocks is out of");
    record->height -= 5;
    kfree(block);
}

static void the_checker_sees_overlapping_dma32_blocks(void **state)
{
    (void)state;
    char *high = kmalloc(4096, KM_DMA32), *low = kmalloc(4096, KM_DMA32);
    assert_ptr_equal(high, low + 4096);
    struct dma_block *record = record_of(low);
    record->order++;
    told_expect(kmalloc_check(told_collect), "overlaps one below");
    record->order--;
    kfree(low);
    kfree(high);
}

static void the_checker_sees_each_damage(void **state)
{
    (void)state;
    struct heap_world *world = kmalloc_world();
    char *small = kmalloc(16, 0);
    world->free_slices++;
    told_expect(kmalloc_check(told_collect), "slices are counted free, there are");
    world->free_slices--;
    world->huge_bytes++;
    told_expect(kmalloc_check(told_collect), "0 huge blocks of 1 bytes are counted");
    world->huge_bytes--;
    kfree(small);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

/* Every way of asking for memory, over the frames of pmm (KM_DMA32) and over the heap's port. */
static void *ask(unsigned way, void *block)
{
    switch (way) {
    case 0:
        return kmalloc(3 * PAGE_SIZE, KM_DMA32 | KM_ZERO);
    case 1:
        return kmalloc_aligned(PAGE_SIZE, 4 * PAGE_SIZE, KM_DMA32);
    case 2:
        return krealloc(block, 8 * PAGE_SIZE, KM_DMA32);
    case 3:
        return kmalloc(100000, KM_ATOMIC);
    case 4:
        return kmalloc(8 * MIB, KM_NOWAIT);
    case 5:
        return kcalloc(3, 5000, 0);
    default:
        return kmalloc_aligned(100000, 2 * MIB, 0);
    }
}

/* True iff a frame or a call of the port was refused, and nothing came of it or nothing was lost.
 */
static bool survives(unsigned way, unsigned nth, bool for_good)
{
    char *block = kmalloc(PAGE_SIZE, KM_DMA32);
    assert_non_null(block);
    strcpy(block, "kept");
    kmalloc_trim();
    uint64_t held = pmm_account().heap, failures = host_heap_failures;
    host_heap_fail(nth, for_good);
    ram_fail_after(nth, for_good);
    char *got = ask(way, block);
    bool failed = ram_fail_never() || host_heap_failures > failures;
    host_heap_fail_never();
    assert_true(got != NULL || failed);
    assert_true(got != NULL || pmm_account().heap == held);
    if (way == 2 && got != NULL)
        block = got;
    else
        kfree(got);
    assert_string_equal(block, "kept");
    kfree(block);
    assert_int_equal(kmalloc_check(ram_told), 0);
    return failed;
}

static void every_failure_below_leaves_all_as_it_was(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 7; way++) {
        for (unsigned for_good = 0; for_good < 2; for_good++) {
            unsigned nth = 0;
            while (nth < 100 && survives(way, nth, for_good))
                nth++;
            assert_in_range(nth, way <= 2, 99); /* what the heap needs may be at hand */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kmalloc_gives_blocks_aligned_to_a_power_of_two_size),
        TEST(kmalloc_zeroes_on_demand),
        TEST(kcalloc_overflow_returns_null),
        TEST(kmalloc_aligned_keeps_alignment_through_krealloc),
        TEST(kfree_sized_sees_a_wrong_size),
        TEST(unknown_flags_panic),
        TEST(dma32_blocks_are_frames),
        TEST(dma32_blocks_stay_what_they_are),
        TEST(dma32_misuse_panics),
        TEST(dma32_exhaustion_loses_nothing),
        TEST(dma32_without_room_for_a_record_loses_nothing),
        TEST(every_failure_below_leaves_all_as_it_was),
        TEST(many_dma32_blocks_are_told_apart),
        TEST(the_checker_sees_each_damage),
        TEST(the_checker_sees_a_damaged_dma32_block),
        TEST(the_checker_sees_overlapping_dma32_blocks),
    };
    return cmocka_run_group_tests_name("kmalloc", tests, NULL, NULL);
}

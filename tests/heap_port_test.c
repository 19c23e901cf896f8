/* SPDX-License-Identifier: MIT */
/*
 * Tests kernel/mm/heap_port.c over the real break, mmap and address space, page by page against
 * tests/host/model.c. What the port is told of the mmap window is a mirror of its first pages, in
 * memory of the host, since the port writes into it.
 */
#include "lib/alloc/heap_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/memlayout.h"
#include "kernel/mm/brk.h"
#include "kernel/mm/mmap.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "tests/host/expect.h"
#include "tests/host/model.h"
#include "tests/host/ram.h"

/* What tests/host/heap_port.c defines, the port whose place the kernel's takes here. */
bool host_heap_debug, host_heap_harden;

#define PAGE    PAGE_SIZE
#define FLAGS   (PAGE_READ | PAGE_WRITE | PAGE_GLOBAL)
#define BALLAST (MEMLAYOUT_MMAP_START + GIB)

static struct model model;
static unsigned char *mirror;

/* In place of kernel/mm/kmalloc_cpu.c. */
struct heap *heap_home_attach(void)
{
    return NULL;
}

uint64_t heap_home_clock(void)
{
    return 0;
}

intptr_t __real_kmmap(uintptr_t hint, size_t length, unsigned prot, unsigned flags);
intptr_t __wrap_kmmap(uintptr_t hint, size_t length, unsigned prot, unsigned flags);
int __real_kmunmap(uintptr_t start, size_t length);
int __wrap_kmunmap(uintptr_t start, size_t length);
int __real_kmprotect(uintptr_t start, size_t length, unsigned prot);
int __wrap_kmprotect(uintptr_t start, size_t length, unsigned prot);

static uintptr_t mirrored(uintptr_t address)
{
    return address - (uintptr_t)mirror + MEMLAYOUT_MMAP_START;
}

intptr_t __wrap_kmmap(uintptr_t hint, size_t length, unsigned prot, unsigned flags)
{
    if (hint != 0)
        hint = mirrored(hint);
    intptr_t start = __real_kmmap(hint, length, prot, flags);
    return is_error(start) ? start : (intptr_t)mirror + start - (intptr_t)MEMLAYOUT_MMAP_START;
}

int __wrap_kmunmap(uintptr_t start, size_t length)
{
    return __real_kmunmap(mirrored(start), length);
}

int __wrap_kmprotect(uintptr_t start, size_t length, unsigned prot)
{
    return __real_kmprotect(mirrored(start), length, prot);
}

static int begin_at(void **state, uintptr_t window)
{
    *state = &model;
    mirror = aligned_alloc(MIB, MIB);
    model_start(&model, MEMLAYOUT_BRK_START, MEMLAYOUT_HEAP_TABLE_END, window);
    brk_init(&model.space);
    mmap_init(&model.space);
    return 0;
}

static int begin(void **state)
{
    return begin_at(state, MEMLAYOUT_MMAP_START);
}

static int begin_arena(void **state)
{
    return begin_at(state, MEMLAYOUT_BRK_START);
}

static int begin_table(void **state)
{
    return begin_at(state, MEMLAYOUT_HEAP_TABLE_START);
}

/* Tests leave no mapping behind that is still to be unmapped: the port outlives them. */
static int end(void **state)
{
    free(mirror);
    return model_end(state);
}

static size_t page_of(const unsigned char *block)
{
    return (size_t)(block - mirror) / PAGE;
}

static void model_take(const unsigned char *block, size_t pages)
{
    size_t first = page_of(block);
    assert_in_range(first + pages, pages, MODEL_PAGES);
    for (size_t page = first; page < first + pages; page++)
        assert_false(model.page[page].mapped);
    model_map(&model, first, first + pages, FLAGS);
    model_compare(&model, __func__);
}

static void model_give(const unsigned char *block, size_t pages)
{
    model_unmap(&model, page_of(block), page_of(block) + pages);
    model_compare(&model, __func__);
}

static unsigned char *take(size_t pages, size_t align)
{
    unsigned char *block = heap_port_map(NULL, pages * PAGE, align);
    assert_non_null(block);
    assert_true(bits_is_aligned((uintptr_t)block, align));
    model_take(block, pages);
    return block;
}

static void give(unsigned char *block, size_t pages)
{
    heap_port_unmap(NULL, block, pages * PAGE);
    model_give(block, pages);
}

/* Takes the memory and what is left of the memory for descriptions of regions. */
static void starve(void)
{
    ram_fail_after(0, true);
    for (uintptr_t at = BALLAST;; at += 2 * PAGE)
        if (is_error(__real_kmmap(at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)))
            return;
}

static void feed(void)
{
    ram_fail_never();
    assert_int_equal(__real_kmunmap(BALLAST, GIB), 0);
}

/* The mmap equivalent */

static void an_aligned_block_is_all_that_stays_mapped(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 16; align *= 2) {
        for (size_t before = 1; before <= align; before++) {
            unsigned char *low = take(before, PAGE);
            unsigned char *block = take(3, align * PAGE);
            give(low, before);
            give(block, 3);
        }
    }
}

static void the_ends_of_an_aligned_block_take_no_memory(void **state)
{
    (void)state;
    void *block = heap_port_map(NULL, PAGE, 64 * MIB); /* four times the RAM */
    assert_non_null(block);
    assert_int_equal(pmm_account().heap, 1);
    heap_port_unmap(NULL, block, PAGE);
    model_compare(&model, __func__);
}

static void a_part_of_a_block_can_be_given_back(void **state)
{
    (void)state;
    unsigned char *block = take(8, 4 * PAGE);
    give(block + 5 * PAGE, 3);
    give(block, 1);
    give(block + 2 * PAGE, 1);
    give(block + PAGE, 1);
    give(block + 3 * PAGE, 2);
}

static void a_block_without_memory_is_null_and_costs_nothing(void **state)
{
    (void)state;
    for (size_t align = PAGE; align <= 8 * PAGE; align *= 8) {
        unsigned char *low = take(1, PAGE), *block = NULL;
        uint64_t free = ram_free();
        for (uint64_t nth = 0; block == NULL; nth++) {
            ram_fail_after(nth, nth % 2);
            block = heap_port_map(NULL, 3 * PAGE, align);
            assert_int_equal(ram_fail_never(), block == NULL);
            if (block == NULL)
                assert_int_equal(ram_free(), free);
            else
                model_take(block, 3);
            model_compare(&model, __func__);
        }
        give(low, 1);
        give(block, 3);
    }
    assert_null(heap_port_map(NULL, MEMLAYOUT_MMAP_END - MEMLAYOUT_MMAP_START, PAGE));
    assert_null(heap_port_map(NULL, PAGE, (size_t)1 << 44));
}

/* Five pages in one region: to unmap one in the middle takes memory. */
static void take_five(unsigned char *block[5])
{
    for (size_t i = 0; i < 5; i++)
        block[i] = take(1, PAGE);
    assert_int_equal(model.space.region_count, 1);
}

static void what_cannot_be_unmapped_is_by_the_next_map(void **state)
{
    (void)state;
    unsigned char *block[5];
    take_five(block);
    starve();
    heap_port_unmap(NULL, block[1], PAGE);
    heap_port_unmap(NULL, block[3], PAGE);
    assert_null(heap_port_map(NULL, PAGE, PAGE));
    feed();
    model_compare(&model, "starved"); /* all five are there */
    assert_ptr_equal(heap_port_map(NULL, PAGE, PAGE), block[1]);
    model_give(block[3], 1);
    for (size_t i = 0; i < 5; i++)
        if (i != 3)
            give(block[i], 1);
}

static void what_cannot_be_unmapped_is_by_the_next_unmap(void **state)
{
    (void)state;
    unsigned char *block[5];
    take_five(block);
    starve();
    heap_port_unmap(NULL, block[1], PAGE);
    heap_port_unmap(NULL, block[3], PAGE);
    feed();
    heap_port_unmap(NULL, block[4], PAGE);
    model_unmap(&model, page_of(block[3]), page_of(block[4]));
    model_unmap(&model, page_of(block[1]), page_of(block[2]));
    model_give(block[4], 1);
    give(block[0], 1);
    give(block[2], 1);
}

static void what_cannot_be_unmapped_waits_until_it_is_at_an_end(void **state)
{
    (void)state;
    unsigned char *block[5];
    take_five(block);
    starve();
    heap_port_unmap(NULL, block[1], PAGE);
    heap_port_unmap(NULL, block[3], PAGE);
    assert_int_equal(pmm_account().heap, 5);
    heap_port_unmap(NULL, block[0], PAGE); /* now page 1 is at an end, */
    assert_int_equal(pmm_account().heap, 3);
    heap_port_unmap(NULL, block[4], PAGE); /* and now page 3 */
    assert_int_equal(pmm_account().heap, 1);
    feed();
    model_unmap(&model, page_of(block[0]), page_of(block[2]));
    model_unmap(&model, page_of(block[3]), page_of(block[4]) + 1);
    model_compare(&model, __func__);
    give(block[2], 1);
}

static void unmapping_what_cannot_be_panics(void **state)
{
    (void)state;
    expect_panic(heap_port_unmap(NULL, mirror + 1, PAGE), ", 0x1000) returned -22");
    expect_panic(heap_port_unmap(NULL, mirror - PAGE, PAGE), ", 0x1000) returned -22");
}

static void a_panic_of_the_heap_is_one_of_the_kernel(void **state)
{
    (void)state;
    expect_panic(heap_port_panic(NULL, NULL, "block %d of %s", 7, "9"), "block 7 of 9");
}

static void a_block_grows_in_place_where_there_is_room(void **state)
{
    (void)state;
    unsigned char *block = take(2, PAGE), *fence = take(1, PAGE);
    assert_null(heap_port_remap(NULL, block, 2 * PAGE, 3 * PAGE, true));
    model_compare(&model, "in the way");
    give(fence, 1);
    assert_ptr_equal(heap_port_remap(NULL, block, 2 * PAGE, 5 * PAGE, false), block);
    model_map(&model, 2, 5, FLAGS);
    model_compare(&model, "grown");
    starve();
    assert_null(heap_port_remap(NULL, block, 5 * PAGE, 6 * PAGE, false));
    feed();
    give(block, 5);
}

/* The sbrk equivalent, and the table */

static void the_arena_is_reserved_and_backed_page_by_page(void **state)
{
    (void)state;
    uintptr_t start = heap_port_extend(NULL, 3 * HEAP_SLICE_SIZE);
    assert_int_equal(start, MEMLAYOUT_BRK_START);
    assert_int_equal(pmm_account().heap, 0);
    assert_true(heap_port_commit(NULL, start + 5 * PAGE, 3 * PAGE));
    assert_int_equal(pmm_account().heap, 3);
    assert_true(heap_port_commit(NULL, start, 5 * PAGE));
    assert_int_equal(pmm_account().heap, 8);
    starve();
    assert_false(heap_port_commit(NULL, start + 8 * PAGE, PAGE));
    assert_int_equal(heap_port_extend(NULL, HEAP_SLICE_SIZE), 0);
    feed();
    heap_port_purge(NULL, start + PAGE, 2 * PAGE);
    assert_int_equal(pmm_account().heap, 6);
    assert_int_equal(aspace_check(&model.space, ram_told), 0);
    assert_int_equal(heap_port_extend(NULL, HEAP_SLICE_SIZE), start + 3 * HEAP_SLICE_SIZE);
    assert_true(heap_port_commit(NULL, start + 3 * HEAP_SLICE_SIZE - PAGE, 2 * PAGE));
    heap_port_purge(NULL, start, 4 * HEAP_SLICE_SIZE);
    assert_int_equal(pmm_account().heap, 0);
}

static void somebody_elses_sbrk_lies_in_between(void **state)
{
    (void)state;
    uintptr_t start = heap_port_extend(NULL, HEAP_SLICE_SIZE);
    assert_ptr_equal(ksbrk(100), (void *)(start + HEAP_SLICE_SIZE));
    assert_int_equal(heap_port_extend(NULL, HEAP_SLICE_SIZE), start + 2 * HEAP_SLICE_SIZE);
    assert_int_equal(aspace_check(&model.space, ram_told), 0);
}

static void what_is_not_reserved_cannot_be_backed(void **state)
{
    (void)state;
    uintptr_t start = heap_port_extend(NULL, HEAP_SLICE_SIZE);
    expect_panic(heap_port_commit(NULL, start + HEAP_SLICE_SIZE - PAGE, 2 * PAGE),
                 "lies in no sparse region");
    expect_panic(heap_port_purge(NULL, start + HEAP_SLICE_SIZE, PAGE), "lies in no sparse region");
}

static void the_table_grows(void **state)
{
    (void)state;
    assert_true(heap_port_extend_table(NULL, PAGE + 1));
    model_map(&model, 0, 2, FLAGS);
    model_compare(&model, "grown");
    starve();
    assert_false(heap_port_extend_table(NULL, 5 * PAGE));
    feed();
    model_compare(&model, "starved");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_aligned_block_is_all_that_stays_mapped),
        TEST(the_ends_of_an_aligned_block_take_no_memory),
        TEST(a_part_of_a_block_can_be_given_back),
        TEST(a_block_without_memory_is_null_and_costs_nothing),
        TEST(what_cannot_be_unmapped_is_by_the_next_map),
        TEST(what_cannot_be_unmapped_is_by_the_next_unmap),
        TEST(what_cannot_be_unmapped_waits_until_it_is_at_an_end),
        TEST(unmapping_what_cannot_be_panics),
        TEST(a_panic_of_the_heap_is_one_of_the_kernel),
        TEST(a_block_grows_in_place_where_there_is_room),
        cmocka_unit_test_setup_teardown(the_arena_is_reserved_and_backed_page_by_page, begin_arena,
                                        end),
        cmocka_unit_test_setup_teardown(somebody_elses_sbrk_lies_in_between, begin_arena, end),
        cmocka_unit_test_setup_teardown(what_is_not_reserved_cannot_be_backed, begin_arena, end),
        cmocka_unit_test_setup_teardown(the_table_grows, begin_table, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/vmalloc.c over the real mmap and address space; the heap has a hosted port. */
#include "kernel/mm/vmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/memlayout.h"
#include "kernel/mm/kmalloc.h"
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_port.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/model.h"
#include "tests/host/ram.h"
#include "tests/host/told.h"

#define PAGE  PAGE_SIZE
#define START MEMLAYOUT_VMALLOC_START

static struct model model;

static int begin(void **state)
{
    *state = &model;
    model_start(&model, START, MEMLAYOUT_VMALLOC_END, START);
    kmalloc_init();
    vmalloc_init(&model.space);
    return 0;
}

static int end(void **state)
{
    assert_int_equal(vmalloc_stats().blocks, 0);
    assert_int_equal(vmalloc_stats().bytes, 0);
    assert_int_equal(vmalloc_check(ram_told), 0);
    assert_int_equal(kmalloc_check(ram_told), 0);
    kmalloc_trim();
    assert_int_equal(heap_taken(kmalloc_world()), 0);
    return model_end(state);
}

/* Pages of a block, counted from the one before it. */
static void expect_guarded(const void *block, size_t pages)
{
    uintptr_t start = (uintptr_t)block;
    phys_t phys;
    assert_false(host_tlb_touch(&model.paging, start - 1, &phys));
    for (size_t i = 0; i < pages; i++)
        assert_true(host_tlb_touch(&model.paging, start + i * PAGE, &phys));
    assert_false(host_tlb_touch(&model.paging, start + pages * PAGE, &phys));
}

static void blocks_lie_between_guards(void **state)
{
    (void)state;
    void *one = vmalloc(1), *three = vmalloc(2 * PAGE + 1), *two = vmalloc(2 * PAGE);
    expect_guarded(one, 1);
    expect_guarded(three, 3);
    expect_guarded(two, 2);
    assert_int_equal(vmalloc_size(three), 3 * PAGE);
    assert_int_equal(vmalloc_stats().blocks, 3);
    assert_int_equal(vmalloc_stats().bytes, 6 * PAGE);
    assert_int_equal(vmalloc_check(ram_told), 0);
    vfree(three);
    expect_guarded(one, 1);
    expect_guarded(two, 2);
    void *later = vmalloc(3 * PAGE);
    assert_true(later > two);
    expect_guarded(later, 3);
    vfree(one);
    vfree(later);
    vfree(two);
    vfree(NULL);
}

/* Nearly all of the window, without memory: the cursor comes to its end after a few blocks. */
static void addresses_are_taken_again_once_the_window_is_used_up(void **state)
{
    (void)state;
    void *low = vmalloc(PAGE), *middle = vmalloc(2 * PAGE), *high = vmalloc(PAGE);
    uintptr_t gap = (uintptr_t)middle;
    vfree(middle);
    assert_null(vmalloc(MEMLAYOUT_VMALLOC_END - (uintptr_t)high - 3 * PAGE)); /* moves it there */
    void *narrow = vmalloc(2 * PAGE), *wide = vmalloc(3 * PAGE);
    assert_true(wide > high);
    assert_int_equal((uintptr_t)narrow, gap);
    expect_guarded(narrow, 2);
    expect_guarded(wide, 3);
    vfree(low);
    vfree(narrow);
    vfree(high);
    vfree(wide);
}

static void sizes_that_cannot_be_return_null(void **state)
{
    (void)state;
    assert_null(vmalloc(0));
    assert_null(vmalloc(SIZE_MAX));
    assert_null(vmalloc(SIZE_MAX - 2 * PAGE));
    assert_null(vmalloc(MEMLAYOUT_VMALLOC_END - START - PAGE));
}

static void misuse_panics(void **state)
{
    (void)state;
    char *block = vmalloc(2 * PAGE);
    expect_panic(vfree(block + PAGE), "is not the start of a live block of vmalloc");
    expect_panic(vfree(block - PAGE), "is not the start of a live block of vmalloc");
    expect_panic(vfree(&block), "is not the start of a live block of vmalloc");
    expect_panic(vmalloc_size(NULL), "is not the start of a live block of vmalloc");
    vfree(block);
    expect_panic(vfree(block), "is not the start of a live block of vmalloc");
}

/* Without a record there is no block. */
static void expect_null_without_heap(void)
{
    void **taken = NULL;
    host_heap_fail(0, true);
    for (void **more = kmalloc(48, 0); more != NULL; more = kmalloc(48, 0)) {
        *more = taken;
        taken = more;
    }
    assert_null(vmalloc(PAGE));
    host_heap_fail_never();
    while (taken != NULL) {
        void **next = *taken;
        kfree(taken);
        taken = next;
    }
}

/* One block more, whichever frame or heap block is not to be had. */
static void exhaustion_changes_nothing(void **state)
{
    (void)state;
    enum { PAGES = 40 }; /* are got in three portions */
    void *low = vmalloc(PAGE);
    expect_null_without_heap();
    bool failed = true;
    for (uint64_t count = 0; failed; count++) {
        uint64_t free = ram_free();
        ram_fail_after(count, true);
        void *block = vmalloc(PAGES * PAGE);
        failed = ram_fail_never();
        assert_true((block == NULL) == failed);
        if (failed)
            assert_int_equal(ram_free(), free);
        vfree(block);
        assert_int_equal(vmalloc_stats().blocks, 1);
        assert_int_equal(vmalloc_check(ram_told), 0);
    }
    vfree(low);
}

static void the_checker_sees_a_missing_guard(void **state)
{
    (void)state;
    uintptr_t block = (uintptr_t)vmalloc(PAGE);
    assert_int_equal(aspace_back(&model.space, block - PAGE, block), 0);
    told_expect(vmalloc_check(told_collect), "does not lie between guards");
    aspace_drop(&model.space, block - PAGE, block);
    aspace_drop(&model.space, block, block + PAGE);
    told_expect(vmalloc_check(told_collect), "does not have all of its 4096 bytes");
    assert_int_equal(aspace_back(&model.space, block, block + PAGE), 0);
    vfree((void *)block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_lie_between_guards, begin, end),
        cmocka_unit_test_setup_teardown(addresses_are_taken_again_once_the_window_is_used_up, begin,
                                        end),
        cmocka_unit_test_setup_teardown(sizes_that_cannot_be_return_null, begin, end),
        cmocka_unit_test_setup_teardown(misuse_panics, begin, end),
        cmocka_unit_test_setup_teardown(exhaustion_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(the_checker_sees_a_missing_guard, begin, end),
    };
    return cmocka_run_group_tests_name("vmalloc", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/aspace.c (with region.c) page by page against tests/host/model.c. The letters are
 * those of the cases that Linux was asked: U munmap, P mprotect, M mmap, L limits. */
#include "kernel/mm/aspace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/error.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/model.h"
#include "tests/host/ram.h"
#include "tests/host/random.h"
#include "tests/host/shrink.h"
#include "tests/host/told.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PAGE         ((uintptr_t)PAGE_SIZE)
#define RW           (PAGE_READ | PAGE_WRITE)
#define RX           (PAGE_READ | PAGE_EXEC)

/* The window lies across the border of two page tables. */
#define SPACE_START 0xffffe00000000000
#define SPACE_END   0xffffe00040000000
#define WINDOW      (SPACE_START + 2 * MIB - 100 * PAGE)

static struct model model;

static int begin(void **state)
{
    *state = &model;
    model_start(&model, SPACE_START, SPACE_END, WINDOW);
    return 0;
}

static uintptr_t at(size_t page)
{
    return model_address(&model, page);
}

static void map(size_t first, size_t past, unsigned flags)
{
    assert_int_equal(aspace_map(&model.space, at(first), at(past), flags), 0);
    model_map(&model, first, past, flags);
    model_compare(&model, __func__);
}

static void unmap(size_t first, size_t past)
{
    assert_int_equal(aspace_unmap(&model.space, at(first), at(past)), 0);
    model_unmap(&model, first, past);
    model_compare(&model, __func__);
}

static void protect(size_t first, size_t past, unsigned flags)
{
    int error = aspace_protect(&model.space, at(first), at(past), flags);
    assert_int_equal(error, model_protect(&model, first, past, flags));
    model_compare(&model, __func__);
}

/* The cases, one after the other */

static void an_empty_space_has_nothing(void **state)
{
    (void)state;
    assert_null(aspace_find(&model.space, SPACE_START));
    assert_null(aspace_next(&model.space, 0));
    assert_false(aspace_overlaps(&model.space, SPACE_START, SPACE_END));
    assert_int_equal(aspace_find_gap(&model.space, SPACE_START, SPACE_END, PAGE), SPACE_START);
    model_compare(&model, __func__);
}

static void m1_a_new_region_is_zero_and_reads_and_writes(void **state)
{
    (void)state;
    map(3, 20, RW);
    for (size_t page = 3; page < 20; page++)
        model_write(&model, page, page);
    model_compare(&model, __func__);
    assert_int_equal(region_start(aspace_find(&model.space, at(19))), at(3));
    assert_null(aspace_find(&model.space, at(2)));
    assert_null(aspace_find(&model.space, at(20)));
}

static void m14_mapping_over_a_region_replaces_it(void **state)
{
    (void)state;
    map(10, 30, RW);
    for (size_t page = 10; page < 30; page++)
        model_write(&model, page, page);
    map(15, 20, RW); /* M14b: old contents gone, and one region again */
    assert_int_equal(model.space.region_count, 1);
    map(5, 12, PAGE_READ);
    map(28, 40, RX);
    map(0, 50, 0);
    assert_int_equal(model.space.region_count, 1);
    map(0, 50, RW);
}

static void m20_a_region_without_access_takes_no_frames(void **state)
{
    (void)state;
    map(0, 50, 0);
    assert_int_equal(pmm_account().heap, 0);
    protect(10, 12, RW);
    assert_int_equal(pmm_account().heap, 2);
    protect(0, 50, 0);
    assert_int_equal(pmm_account().heap, 2);
    protect(0, 50, PAGE_READ);
    assert_int_equal(pmm_account().heap, 50);
}

static void m25_a_huge_region_without_access_costs_nothing(void **state)
{
    (void)state;
    uint64_t before = ram_free();
    assert_int_equal(aspace_map(&model.space, SPACE_START, SPACE_END, 0), 0);
    assert_true(ram_free() >= before - 1);
    assert_int_equal(aspace_unmap(&model.space, SPACE_START, SPACE_END), 0);
    assert_int_equal(ram_free(), before);
}

static void m25b_more_than_there_is_fails_and_changes_nothing(void **state)
{
    (void)state;
    map(0, 10, RW);
    uint64_t before = ram_free();
    assert_int_equal(aspace_map(&model.space, at(5), at(5) + 32 * MIB, RW), -ENOMEM);
    assert_int_equal(ram_free(), before);
    model_compare(&model, __func__);
}

static void u4_unmapping_nothing_is_fine(void **state)
{
    (void)state;
    unmap(0, MODEL_PAGES);
    map(50, 60, RW);
    unmap(60, 70);
    unmap(40, 50);
}

static void u5_u9_unmapping_goes_over_holes_and_regions(void **state)
{
    (void)state;
    map(10, 20, RW);
    map(20, 30, PAGE_READ);
    map(40, 50, 0);
    map(60, 70, RX);
    unmap(15, 65);
    unmap(0, MODEL_PAGES);
    assert_int_equal(model.space.region_count, 0);
}

static void u6_unmapping_the_middle_leaves_both_ends(void **state)
{
    (void)state;
    map(96, 104, RW);
    for (size_t page = 96; page < 104; page++)
        model_write(&model, page, page);
    unmap(99, 101);
    assert_int_equal(model.space.region_count, 2);
    map(99, 101, RW);
    assert_int_equal(model.space.region_count, 1);
}

static void p3_p4_protection_keeps_the_contents(void **state)
{
    (void)state;
    map(0, 4, RW);
    for (size_t page = 0; page < 4; page++)
        model_write(&model, page, 0x1000 + page);
    protect(1, 2, PAGE_READ);
    protect(2, 3, 0);
    assert_int_equal(model.space.region_count, 4);
    protect(2, 3, RW); /* P4c, P4d */
    protect(1, 2, RW);
    assert_int_equal(model.space.region_count, 1);
}

static void p6_p7_protection_stops_at_the_first_hole(void **state)
{
    (void)state;
    protect(0, 3, PAGE_READ); /* P6 */
    map(10, 11, RW);
    map(13, 14, RW);
    protect(10, 14, PAGE_READ); /* P7: page 10 has changed, page 13 has not */
    assert_int_equal(model.page[10].flags, PAGE_READ);
    assert_int_equal(model.page[13].flags, RW);
    protect(9, 14, RX);
    assert_int_equal(model.page[10].flags, PAGE_READ);
}

static void l2_protecting_every_other_page_splits_and_merges(void **state)
{
    (void)state;
    map(0, MODEL_PAGES, RW);
    for (size_t page = 1; page < MODEL_PAGES; page += 2)
        protect(page, page + 1, PAGE_READ);
    assert_int_equal(model.space.region_count, MODEL_PAGES);
    for (size_t page = 1; page < MODEL_PAGES; page += 2)
        protect(page, page + 1, RW);
    assert_int_equal(model.space.region_count, 1);
}

static void neighbours_merge_only_if_equal_and_touching(void **state)
{
    (void)state;
    map(10, 20, RW);
    map(21, 30, RW);
    map(30, 40, RW | PAGE_GLOBAL);
    assert_int_equal(model.space.region_count, 3);
    map(20, 21, RW);
    assert_int_equal(model.space.region_count, 2);
    protect(25, 40, RW);
    assert_int_equal(model.space.region_count, 1);
    map(5, 10, RW);
    map(40, 45, RW);
    assert_int_equal(model.space.region_count, 1);
}

static void the_ends_of_the_space_can_be_used(void **state)
{
    (void)state;
    assert_int_equal(aspace_map(&model.space, SPACE_START, SPACE_START + PAGE, RW), 0);
    assert_int_equal(aspace_map(&model.space, SPACE_END - PAGE, SPACE_END, RW), 0);
    assert_int_equal(aspace_check(&model.space, ram_told), 0);
    assert_int_equal(aspace_find_gap(&model.space, SPACE_START, SPACE_END, PAGE),
                     SPACE_START + PAGE);
    assert_int_equal(
        aspace_find_gap(&model.space, SPACE_START, SPACE_END, SPACE_END - SPACE_START - 2 * PAGE),
        SPACE_START + PAGE);
    assert_int_equal(
        aspace_find_gap(&model.space, SPACE_START, SPACE_END, SPACE_END - SPACE_START - PAGE), 0);
    assert_int_equal(aspace_find_gap(&model.space, SPACE_END - PAGE, SPACE_END, PAGE), 0);
    assert_int_equal(aspace_find_gap(&model.space, SPACE_START, SPACE_END, SIZE_MAX - 4095), 0);
}

static void regions_are_visited_in_order(void **state)
{
    (void)state;
    map(50, 60, RW);
    map(10, 20, PAGE_READ);
    map(20, 30, RX);
    const uintptr_t starts[] = {at(10), at(20), at(50)};
    const struct region *region = aspace_next(&model.space, SPACE_START);
    for (size_t i = 0; i < COUNT(starts); i++) {
        assert_non_null(region);
        assert_int_equal(region_start(region), starts[i]);
        region = aspace_next(&model.space, region->end);
    }
    assert_null(region);
    assert_int_equal(region_start(aspace_next(&model.space, at(30) - 1)), at(20));
    assert_int_equal(region_start(aspace_next(&model.space, at(30))), at(50));
}

static void a_sparse_region_has_what_is_put_there(void **state)
{
    (void)state;
    struct aspace *space = &model.space;
    assert_int_equal(aspace_map(space, at(0), at(60), RW | ASPACE_SPARSE), 0);
    assert_int_equal(pmm_account().heap, 0);
    for (unsigned nth = 0; nth <= 40; nth++) {
        ram_fail_after(nth, true);
        int error = aspace_back(space, at(3), at(43));
        bool failed = ram_fail_never();
        assert_int_equal(error, failed ? -ENOMEM : 0);
        assert_int_equal(pmm_account().heap, failed ? 0 : 40);
        assert_int_equal(aspace_check(space, ram_told), 0);
        if (!failed)
            aspace_drop(space, at(3), at(43));
    }
    assert_int_equal(aspace_back(space, at(3), at(43)), 0);
    aspace_drop(space, at(0), at(60));
    assert_int_equal(pmm_account().heap, 0);
    assert_int_equal(aspace_unmap(space, at(0), at(60)), 0);
}

static void misuse_panics_with_the_value(void **state)
{
    (void)state;
    struct aspace *space = &model.space;
    expect_panic(aspace_map(space, at(0) + 1, at(1), RW), "0xffffe0000019c001");
    expect_panic(aspace_map(space, at(0), at(1) + 8, RW), "0xffffe0000019d008");
    expect_panic(aspace_map(space, SPACE_START - PAGE, at(1), RW), "0xffffdffffffff000");
    expect_panic(aspace_map(space, at(0), SPACE_END + PAGE, RW), "0xffffe00040001000");
    expect_panic(aspace_unmap(space, at(0) + 0x800, at(1)), "0xffffe0000019c800");
    expect_panic(aspace_unmap(space, 0, PAGE), "aspace_unmap: [0x0, 0x1000)");
    expect_panic(aspace_protect(space, at(0), at(1) - 1, RW), "0xffffe0000019cfff");
    expect_panic(aspace_protect(space, SPACE_END, SPACE_END + PAGE, RW), "0xffffe00040000000");
    model_compare(&model, __func__);
}

static void expect_told(const char *part)
{
    told_expect(aspace_check(&model.space, told_collect), part);
}

static void the_checker_sees_each_damage(void **state)
{
    (void)state;
    map(10, 20, RW);
    map(20, 30, PAGE_READ);
    struct region *low = (struct region *)(uintptr_t)aspace_find(&model.space, at(10));
    struct region *high = (struct region *)(uintptr_t)aspace_find(&model.space, at(20));
    low->flags = RX;
    expect_told("the page at 0xffffe000001a6000 has flags 0x3, its region 0x5");
    low->flags = RW;
    high->flags = RW;
    expect_told("should have been merged");
    high->flags = PAGE_READ;
    low->end -= PAGE;
    expect_told("lies in no region");
    low->end += 2 * PAGE;
    expect_told("the regions at 0xffffe000001a6000 and 0xffffe000001b0000 overlap");
    low->end -= PAGE;
    high->end += PAGE;
    expect_told("allows access but has only 10 pages");
    high->end -= PAGE;
    model.space.region_count++;
    expect_told("3 regions are counted, there are 2");
    model.space.region_count--;
    low->node.height += 5;
    expect_told("out of balance");
    low->node.height -= 5;
    model_compare(&model, __func__);
}

/* Damage that could lead a checker astray. */
static void the_checker_ends_whatever_the_damage(void **state)
{
    (void)state;
    map(10, 20, RW);
    map(30, 31, PAGE_READ);
    struct region *low = (struct region *)(uintptr_t)aspace_find(&model.space, at(10));
    struct region *high = (struct region *)(uintptr_t)aspace_find(&model.space, at(30));
    uintptr_t low_end = low->end, high_end = high->end;
    low->end = region_start(low);
    expect_told("is empty or outside its space");
    low->end = region_start(low) - PAGE;
    expect_told("is empty or outside its space");
    low->end = low_end;
    high->end = region_start(high);
    expect_told("is empty or outside its space");
    high->end = SPACE_END + PAGE;
    expect_told("is empty or outside its space");
    high->end = high_end;
    model.space.start = at(11);
    expect_told("is empty or outside its space");
    model.space.start = SPACE_START;
    model_compare(&model, __func__);
}

static void the_checker_sees_a_large_page(void **state)
{
    (void)state;
    uintptr_t at_large = SPACE_START + 16 * MIB;
    assert_int_equal(paging_map(&model.paging, at_large, (phys_t){0}, 2 * MIB, RW), 0);
    expect_told("is a large one");
    assert_int_equal(paging_unmap(&model.paging, at_large, 2 * MIB, NULL), 0);
}

/*
 * Descriptions of regions come from pages of their own, so that most calls need no memory for one.
 * The ballast is another space with regions enough to fill those pages up.
 */

static struct aspace ballast;

/* Leaves room for exactly `room` more regions before a page is needed for them. */
static void use_up_regions(size_t room)
{
    uintptr_t start = SPACE_END;
    if (ballast.paging != &model.paging || ballast.region_count == 0)
        aspace_init(&ballast, &model.paging, SPACE_END, SPACE_END + GIB);
    ram_fail_after(0, true);
    while ((start = aspace_find_gap(&ballast, start, ballast.end, 2 * PAGE)) != 0 &&
           aspace_map(&ballast, start + PAGE, start + 2 * PAGE, 0) == 0)
        start += 2 * PAGE;
    ram_fail_never();
    for (start = SPACE_END + PAGE; room > 0; start += 2 * PAGE, room--)
        assert_int_equal(aspace_unmap(&ballast, start, start + PAGE), 0);
}

static void drop_ballast(void)
{
    assert_int_equal(aspace_unmap(&ballast, SPACE_END, SPACE_END + GIB), 0);
}

static void l3_a_cut_without_room_for_it_changes_nothing(void **state)
{
    (void)state;
    map(10, 20, RW);
    for (size_t room = 0; room < 3; room++) {
        use_up_regions(room);
        ram_fail_after(0, true);
        int unmapped = aspace_unmap(&model.space, at(12), at(13));
        assert_int_equal(unmapped, room == 0 ? -ENOMEM : 0);
        if (unmapped == 0)
            model_unmap(&model, 12, 13);
        model_compare(&model, __func__);
        int protected = aspace_protect(&model.space, at(15), at(16), PAGE_READ);
        assert_int_equal(protected, -ENOMEM);
        model_compare(&model, __func__);
        assert_int_equal(aspace_unmap(&model.space, at(10), at(11)), 0); /* cuts nothing in two */
        model_unmap(&model, 10, 11);
        model_compare(&model, __func__);
        ram_fail_never();
        map(10, 20, RW);
    }
    drop_ballast();
}

/* Random calls. Some are tried with the first allocation failing, then with the second, and so on
 * until one has all it needs; each failure must leave everything as it was. As a shrink_op, a call
 * is {what, {first, past, flags, dice}}: the dice say what happens around it. */

enum { MAP, UNMAP, PROTECT };
static const char *const kinds[] = {"MAP", "UNMAP", "PROTECT"};

struct call {
    unsigned what;
    size_t first, past;
    unsigned flags;
};

static struct shrink_op make_call(struct random *dice, uint64_t step)
{
    static const unsigned flags[] = {0, PAGE_READ, RW, RW, RX, RW | PAGE_GLOBAL};
    size_t first = random_below(dice, MODEL_PAGES), past = first + 1 + random_below(dice, 12);
    if (random_once_in(dice, 10))
        past = first + 1 + random_below(dice, MODEL_PAGES);
    (void)step;
    return (struct shrink_op){
        .what = (unsigned)random_below(dice, 3),
        .with = {first, past < MODEL_PAGES ? past : MODEL_PAGES,
                 flags[random_below(dice, COUNT(flags))], random_next(dice)},
    };
}

/* A shrunk operation may have its end before its start. */
static struct call call_of(const struct shrink_op *op)
{
    size_t past = op->with[1] > op->with[0] ? op->with[1] : op->with[0] + 1;
    return (struct call){op->what, op->with[0], past, (unsigned)op->with[2]};
}

static int make(struct call call)
{
    uintptr_t start = at(call.first), past = at(call.past);
    if (call.what == MAP)
        return aspace_map(&model.space, start, past, call.flags);
    if (call.what == UNMAP)
        return aspace_unmap(&model.space, start, past);
    return aspace_protect(&model.space, start, past, call.flags);
}

/* What the call should answer when it has memory; the model has changed then. */
static int make_in_model(struct call call)
{
    if (call.what == PROTECT)
        return model_protect(&model, call.first, call.past, call.flags);
    if (call.what == MAP)
        model_map(&model, call.first, call.past, call.flags);
    else
        model_unmap(&model, call.first, call.past);
    return 0;
}

/* Makes the call fail for want of memory in each way that it can, and at last succeed. */
static int make_with_failures(struct random *dice, struct call call)
{
    bool for_good = random_once_in(dice, 2);
    use_up_regions(random_below(dice, 4));
    uint64_t free = ram_free();
    for (uint64_t nth = 0;; nth++) {
        ram_fail_after(nth, for_good);
        int error = make(call);
        if (!ram_fail_never()) {
            drop_ballast();
            return error;
        }
        assert_int_equal(error, -ENOMEM);
        assert_int_equal(ram_free(), free);
        model_compare(&model, __func__);
    }
}

/* The lowest gap, tried at every page. */
static void compare_gaps(struct random *dice)
{
    size_t from = random_below(dice, MODEL_PAGES), past = from;
    past += random_below(dice, MODEL_PAGES - from + 1);
    size_t size = 1 + random_below(dice, 9), first = from, free = 0;
    for (size_t page = from; page < past && free < size; page++) {
        free = model.page[page].mapped ? 0 : free + 1;
        first = page + 1 - free;
    }
    uintptr_t expected = free == size ? at(first) : 0;
    assert_int_equal(aspace_find_gap(&model.space, at(from), at(past), size * PAGE), expected);
}

static void compare_overlaps(struct random *dice)
{
    size_t first = random_below(dice, MODEL_PAGES), past = first;
    past += 1 + random_below(dice, MODEL_PAGES - first);
    bool any = false;
    for (size_t page = first; page < past; page++)
        any = any || model.page[page].mapped;
    assert_true(aspace_overlaps(&model.space, at(first), at(past)) == any);
}

static void apply_call(const struct shrink_op *op)
{
    static struct model before;
    struct call call = call_of(op);
    struct random dice = {.state = op->with[3]};
    for (int i = 0; i < 20; i++)
        model_write(&model, random_below(&dice, MODEL_PAGES), random_next(&dice));
    for (int i = 0; i < 60; i++)
        model_touch(&model, random_below(&dice, MODEL_PAGES));
    before = model;
    host_flushes = (struct host_flushes){0};
    bool starved = random_once_in(&dice, 8);
    int error = starved ? make_with_failures(&dice, call) : make(call);
    assert_int_equal(error, make_in_model(call));
    model_compare(&model, __func__);
    if (!starved && call.what != MAP && host_has_nx)
        assert_silent(model_flush_difference(&before, &model));
    for (int i = 0; i < 5; i++) {
        compare_gaps(&dice);
        compare_overlaps(&dice);
    }
}

static void finish_space(void)
{
    assert_silent(model_stop(&model));
}

static void compare(void)
{
    model_compare(&model, "a random call");
}

static const struct shrink_test calls = {
    .name = "calls",
    .kinds = kinds,
    .make = make_call,
    .apply = apply_call,
    .check = compare,
    .check_every = UINT64_MAX,
    .finish = finish_space,
};

static void random_calls_agree_with_the_model(void **state)
{
    (void)state;
    shrink_random(&calls, random_steps(4000));
}

static void random_calls_agree_without_nx(void **state)
{
    (void)state;
    host_has_nx = false;
    shrink_random(&calls, random_steps(500));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, model_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_space_has_nothing),
        TEST(m1_a_new_region_is_zero_and_reads_and_writes),
        TEST(m14_mapping_over_a_region_replaces_it),
        TEST(m20_a_region_without_access_takes_no_frames),
        TEST(m25_a_huge_region_without_access_costs_nothing),
        TEST(m25b_more_than_there_is_fails_and_changes_nothing),
        TEST(u4_unmapping_nothing_is_fine),
        TEST(u5_u9_unmapping_goes_over_holes_and_regions),
        TEST(u6_unmapping_the_middle_leaves_both_ends),
        TEST(p3_p4_protection_keeps_the_contents),
        TEST(p6_p7_protection_stops_at_the_first_hole),
        TEST(l2_protecting_every_other_page_splits_and_merges),
        TEST(neighbours_merge_only_if_equal_and_touching),
        TEST(the_ends_of_the_space_can_be_used),
        TEST(regions_are_visited_in_order),
        TEST(a_sparse_region_has_what_is_put_there),
        TEST(misuse_panics_with_the_value),
        TEST(the_checker_sees_each_damage),
        TEST(the_checker_ends_whatever_the_damage),
        TEST(the_checker_sees_a_large_page),
        TEST(l3_a_cut_without_room_for_it_changes_nothing),
        TEST(random_calls_agree_with_the_model),
        TEST(random_calls_agree_without_nx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests whichever frame allocator this is linked with against the contract of frame.h: the tree,
 * and the list and the buddy system of lib/alloc/simple. What one of those does not promise is
 * asked of frame_kind.
 */
#include "lib/alloc/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/alloc/frame_kind.h"
#include "lib/alloc/frame_stats.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/random.h"

#define GARBAGE      0xa5
#define CPUS         4
#define GIB_FRAMES   ((uint64_t)1 << FRAME_ORDER_MAX)
#define NONE         UINT64_MAX
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The metadata is exactly as long as it was asked for, so that ASan sees its ends. */
static struct frames frames;
static void *metadata;

static struct frame_range range(uint64_t start, uint64_t end)
{
    return (struct frame_range){{start}, {end}};
}

static void begin(const struct frame_range *ranges, size_t count)
{
    size_t size = frame_metadata_size(ranges, count, CPUS);
    free(metadata);
    metadata = malloc(size);
    memset(metadata, GARBAGE, size);
    memset(&frames, GARBAGE, sizeof frames);
    frame_init(&frames, ranges, count, CPUS, metadata);
}

static void begin_free(const struct frame_range *ranges, size_t count)
{
    begin(ranges, count);
    for (size_t i = 0; i < count; i++)
        frame_add(&frames, ranges[i].start, ranges[i].end);
}

static int end(void **state)
{
    (void)state;
    free(metadata);
    metadata = NULL;
    host_machine_stop();
    return 0;
}

static uint64_t alloc_below(unsigned order, uint64_t below)
{
    struct frame_request request = {.order = (uint8_t)order, .below = {below}};
    return frame_alloc(&frames, request).number;
}

static uint64_t alloc(unsigned order)
{
    return alloc_below(order, 0);
}

static void give_back(uint64_t frame, unsigned order)
{
    frame_free(&frames, (frame_t){frame}, order);
}

static bool alloc_at(uint64_t frame, unsigned order)
{
    return frame_alloc_at(&frames, (frame_t){frame}, order);
}

static uint64_t free_frames(void)
{
    return frame_free_count(&frames);
}

static void tell(const char *sentence)
{
    print_error("%s\n", sentence);
}

static void check(void)
{
    assert_int_equal(frame_check(&frames, tell), 0);
}

/* Blocks */

static void a_new_allocator_has_nothing_free(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(3, 700), range(1000, 300000)};
    begin(ranges, COUNT(ranges));
    assert_int_equal(free_frames(), 0);
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        assert_int_equal(alloc(order), NONE);
    check();
}

static void every_order_is_served_aligned_and_merges_again(void **state)
{
    (void)state;
    struct frame_range all = range(0, 2 * GIB_FRAMES);
    begin_free(&all, 1);
    for (unsigned order = 0; order < FRAME_ORDERS; order++) {
        uint64_t size = (uint64_t)1 << order;
        uint64_t block = alloc(order);
        assert_int_equal(block % size, 0);
        assert_true(block + size <= all.end.number);
        assert_int_equal(free_frames(), all.end.number - size);
        assert_false(alloc_at(block, 0));
        assert_false(alloc_at(block + size - 1, 0));
        give_back(block, order);
    }
    check();
    uint64_t count[FRAME_ORDERS];
    frame_drain(&frames);
    frame_count_blocks(&frames, count);
    assert_int_equal(count[FRAME_ORDER_MAX], 2);
}

static void all_memory_can_be_had_in_every_order(void **state)
{
    (void)state;
    static uint8_t seen[4096];
    struct frame_range all = range(GIB_FRAMES, GIB_FRAMES + COUNT(seen));
    begin_free(&all, 1);
    for (unsigned order = 0; order <= 12; order++) {
        uint64_t blocks = COUNT(seen) >> order;
        memset(seen, 0, sizeof seen);
        for (uint64_t i = 0; i < blocks; i++) {
            uint64_t block = alloc(order) - GIB_FRAMES;
            assert_true(block < COUNT(seen));
            assert_int_equal(seen[block >> order]++, 0);
        }
        assert_int_equal(free_frames(), 0);
        assert_int_equal(alloc(order), NONE);
        for (uint64_t i = 0; i < blocks; i++)
            give_back(GIB_FRAMES + (i << order), order);
        assert_int_equal(free_frames(), COUNT(seen));
    }
    check();
}

static void a_block_may_be_freed_in_parts(void **state)
{
    (void)state;
    struct frame_range all = range(0, GIB_FRAMES);
    begin_free(&all, 1);
    assert_int_equal(alloc(18), 0);
    for (unsigned order = 18; order-- > 0;)
        frame_free_part(&frames, (frame_t){0}, order + 1, (frame_t){(uint64_t)1 << order}, order);
    assert_int_equal(free_frames(), GIB_FRAMES - 1);
    assert_int_equal(alloc(18), NONE);
    give_back(0, 0);
    assert_int_equal(alloc(18), 0);
}

static void a_block_at_a_place_is_had_iff_all_of_it_is_free(void **state)
{
    (void)state;
    struct frame_range all = range(0, 2 * GIB_FRAMES);
    begin_free(&all, 1);
    for (unsigned order = 0; order < FRAME_ORDERS; order += 3) {
        uint64_t size = (uint64_t)1 << order;
        assert_true(alloc_at(GIB_FRAMES, order));
        assert_false(alloc_at(GIB_FRAMES, order));
        assert_false(alloc_at(GIB_FRAMES, FRAME_ORDER_MAX));
        give_back(GIB_FRAMES, order);
        assert_true(alloc_at(GIB_FRAMES + size - 1, 0));
        assert_false(alloc_at(GIB_FRAMES, order));
        give_back(GIB_FRAMES + size - 1, 0);
        assert_int_equal(free_frames(), 2 * GIB_FRAMES);
    }
    check();
}

static void a_zeroed_block_is_cleared_and_nothing_else(void **state)
{
    (void)state;
    host_machine_start(32 * MIB);
    struct frame_range all = range(1024, 4096);
    begin_free(&all, 1);
    for (unsigned order = 0; order <= 10; order++) {
        struct frame_request request = {.order = (uint8_t)order, .flags = FRAME_ZERO};
        frame_t block = frame_alloc(&frames, request);
        const unsigned char *first = machine_phys_to_virt(phys_of_frame(block));
        size_t size = PAGE_SIZE << order;
        for (size_t i = 0; i < size; i++)
            assert_int_equal(first[i], 0);
        assert_int_equal(first[size], GARBAGE);
        assert_int_equal(first[-1], GARBAGE);
        memset(machine_phys_to_virt(phys_of_frame(block)), GARBAGE, size);
        frame_free(&frames, block, order);
    }
}

/* Ceilings. What a block below `ceiling` needs is said here without looking at bits. */

static bool fits_below(const struct frame_range *ranges, size_t count, unsigned order,
                       uint64_t ceiling)
{
    uint64_t size = (uint64_t)1 << order;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = (ranges[i].start.number + size - 1) / size * size;
        uint64_t last = ranges[i].end.number < ceiling ? ranges[i].end.number : ceiling;
        if (first + size <= last)
            return true;
    }
    return false;
}

static void ceilings_hold_to_the_frame(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(1, 0x9f), range(0x100, 0x1234), range(0x7fff3, 0xc0000)};
    uint64_t edges[] = {1, 2, 0x40, 0x9f, 0x100, 0x200, 0x1234, 0x7fff3, 0x80000, 0x80200, 0xc0000};
    begin_free(ranges, COUNT(ranges));
    uint64_t total = free_frames();
    for (unsigned order = 0; order < FRAME_ORDERS; order++) {
        for (size_t i = 0; i < 3 * COUNT(edges); i++) {
            uint64_t ceiling = edges[i / 3] + i % 3 - (edges[i / 3] > 1);
            uint64_t block = alloc_below(order, ceiling);
            assert_true((block != NONE) == fits_below(ranges, COUNT(ranges), order, ceiling));
            if (block != NONE) {
                assert_true(block + ((uint64_t)1 << order) <= ceiling);
                give_back(block, order);
            }
            assert_int_equal(free_frames(), total);
        }
    }
    check();
}

/* Ranges */

static void ragged_ranges_are_managed_to_the_frame(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(1, 2), range(3, 517), range(0x3ffff, 0x40001),
                                   range(0x80000, 0x80001), range(0x91234, 0x91245)};
    begin_free(ranges, COUNT(ranges));
    uint64_t total = 1 + 514 + 2 + 1 + 17;
    assert_int_equal(free_frames(), total);
    for (uint64_t i = 0; i < total; i++) {
        uint64_t block = alloc(0);
        bool managed = false;
        for (size_t r = 0; r < COUNT(ranges); r++)
            managed = managed || (ranges[r].start.number <= block && block < ranges[r].end.number);
        assert_true(managed);
    }
    assert_int_equal(alloc(0), NONE);
}

static void a_block_may_lie_across_ranges_that_touch(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(0, 7), range(7, 301), range(301, 0x20000),
                                   range(0x20000, GIB_FRAMES)};
    begin_free(ranges, COUNT(ranges));
    for (unsigned order = FRAME_ORDERS; order-- > 0;) {
        assert_true(alloc_at(0, order));
        give_back(0, order);
    }
    check();
}

static void memory_is_added_in_any_pieces_and_order(void **state)
{
    (void)state;
    struct frame_range all = range(0, 2 * GIB_FRAMES);
    uint64_t cuts[] = {0, 1, 2, 511, 512, 513, 1029, 0x3fe01, 0x40000, 0x40003, 0x80000};
    begin(&all, 1);
    for (size_t i = COUNT(cuts) - 1; i-- > 0;) {
        frame_add(&frames, (frame_t){cuts[i]}, (frame_t){cuts[i + 1]});
        assert_int_equal(free_frames(), 2 * GIB_FRAMES - cuts[i]);
    }
    frame_add(&frames, (frame_t){5}, (frame_t){5});
    assert_int_equal(alloc(18) + alloc(18), GIB_FRAMES);
}

static void memory_goes_in_the_order_that_was_promised(void **state)
{
    (void)state;
    const uint64_t dma = 16 * MIB >> PAGE_SHIFT;
    struct frame_range ranges[] = {range(1, 159), range(256, 3 * dma)};
    begin_free(ranges, COUNT(ranges));
    for (uint64_t i = 0; i < 2 * dma; i++) {
        uint64_t frame = alloc(0);
        assert_true(frame != NONE);
        if (frame_kind.keeps_low)
            assert_true(frame >= dma);
    }
    assert_int_equal(free_frames(), 158 + dma - 256);
}

static void exhaustion_changes_nothing(void **state)
{
    (void)state;
    struct frame_range all = range(0, 8192);
    begin_free(&all, 1);
    while (alloc(0) != NONE)
        continue;
    for (uint64_t i = 0; i < all.end.number; i += 2)
        give_back(i, 0);
    for (unsigned order = 1; order < FRAME_ORDERS; order++)
        assert_int_equal(alloc(order), NONE);
    assert_false(alloc_at(0, 9));
    struct frame_run run = {.count = 2};
    assert_true(frame_is_none(frame_alloc_run(&frames, run)));
    assert_int_equal(free_frames(), all.end.number / 2);
    check();
    for (uint64_t i = 0; i < all.end.number / 2; i++)
        assert_int_equal(alloc(0) % 2, 0);
    assert_int_equal(alloc(0), NONE);
}

/* Runs, many at once, nodes, the reserve */

static void expect_run(struct frame_run run)
{
    uint64_t total = free_frames(), align = run.align == 0 ? 1 : run.align;
    frame_t start = frame_alloc_run(&frames, run);
    assert_false(frame_is_none(start));
    assert_int_equal(start.number % align, 0);
    assert_true(run.below.number == 0 || start.number + run.count <= run.below.number);
    assert_int_equal(free_frames(), total - run.count);
    for (uint64_t i = 0; i < run.count; i += 1 + run.count / 100)
        assert_false(alloc_at(start.number + i, 0));
    frame_free_run(&frames, start, run.count);
    assert_int_equal(free_frames(), total);
}

static void any_number_of_frames_can_be_had(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(5, 2 * GIB_FRAMES)};
    begin_free(ranges, COUNT(ranges));
    for (uint64_t count = 1; count < 2 * GIB_FRAMES - 5; count = 3 * count + 1) {
        expect_run((struct frame_run){.count = count});
        expect_run((struct frame_run){.count = count, .align = 8});
    }
    expect_run((struct frame_run){.count = 2 * GIB_FRAMES - 5});
    expect_run((struct frame_run){.count = 77, .align = GIB_FRAMES});
    expect_run((struct frame_run){.count = 700, .below = {705}});
    struct frame_run too_low = {.count = 701, .below = {705}};
    assert_true(frame_is_none(frame_alloc_run(&frames, too_low)));
    struct frame_run too_large = {.count = 2 * GIB_FRAMES - 4};
    assert_true(frame_is_none(frame_alloc_run(&frames, too_large)));
    struct frame_run too_wide = {.count = 1, .align = 4 * GIB_FRAMES};
    assert_true(frame_is_none(frame_alloc_run(&frames, too_wide)));
    check();
}

static void many_blocks_come_and_go_at_once(void **state)
{
    (void)state;
    static frame_t blocks[300];
    struct frame_range all = range(0, 1024);
    begin_free(&all, 1);
    for (unsigned order = 0; order <= 3; order++) {
        struct frame_request request = {.order = (uint8_t)order};
        size_t expected = 1024u >> order < COUNT(blocks) ? 1024u >> order : COUNT(blocks);
        assert_int_equal(frame_alloc_bulk(&frames, request, blocks, COUNT(blocks)), expected);
        assert_int_equal(free_frames(), 1024 - (expected << order));
        for (size_t i = 0; i < expected; i++)
            assert_false(alloc_at(blocks[i].number, order));
        frame_free_bulk(&frames, blocks, expected, order);
        assert_int_equal(free_frames(), 1024);
    }
    check();
}

static void a_node_that_is_asked_for_gives_first(void **state)
{
    (void)state;
    struct frame_range all[] = {range(0, 1000), range(1000, 2000)};
    struct frame_node nodes[] = {{&all[0], 1}, {&all[1], 1}};
    begin_free(all, COUNT(all));
    frame_set_nodes(&frames, nodes, COUNT(nodes), NULL);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t frame = frame_alloc(&frames, (struct frame_request){.node = 1}).number;
        assert_true(frame < 2000);
        if (frame_kind.knows_nodes)
            assert_true(frame < 1000);
    }
    assert_true(frame_alloc(&frames, (struct frame_request){.node = 1}).number < 2000);
    expect_panic(frame_alloc(&frames, (struct frame_request){.node = 3}), "no node 2");
}

static void only_atomic_requests_take_from_the_reserve(void **state)
{
    (void)state;
    struct frame_range all = range(0, 4096);
    begin_free(&all, 1);
    frame_set_reserve(&frames, 1000);
    uint64_t taken = 0;
    while (alloc(0) != NONE)
        taken++;
    assert_in_range(taken, 4096 - 1000, 4096 - 1000 + 128);
    struct frame_request atomic = {.flags = FRAME_ATOMIC};
    while (!frame_is_none(frame_alloc(&frames, atomic)))
        taken++;
    assert_int_equal(taken, 4096);
}

static void a_cpu_takes_from_its_node(void **state)
{
    (void)state;
    struct frame_range all[] = {range(0, 1024), range(1024, 2048)};
    struct frame_node nodes[] = {{&all[0], 1}, {&all[1], 1}};
    begin_free(all, COUNT(all));
    frame_set_nodes(&frames, nodes, COUNT(nodes), NULL);
    frame_set_cpu_node(&frames, 0, 0);
    uint64_t frame = alloc(0);
    assert_true(frame < (frame_kind.knows_nodes ? 1024 : 2048));
}

static void memory_beyond_what_is_counted_in_is_refused(void **state)
{
    (void)state;
    struct frame_range far = range(0, 16 * TIB >> PAGE_SHIFT);
    if (frame_kind.costs_by_the_range)
        assert_true(frame_metadata_size(&far, 1, CPUS) < 2 * far.end.number);
    else
        expect_panic(frame_init(&frames, &far, 1, CPUS, NULL), "more than fit 32 bits");
}

/* Misuse */

static void misuse_panics_with_the_value(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(0x10, 0x1400), range(0x40000, 0xc0000)};
    begin_free(ranges, COUNT(ranges));
    assert_true(alloc_at(0x80000, 18));
    assert_true(alloc_at(0x600, 9));
    assert_true(alloc_at(0x500, 0));
    uint64_t before = free_frames();

    expect_panic(give_back(0x501, 0), "0x501");
    expect_panic(give_back(0x500, 8), "0x500");
    expect_panic(give_back(0x500, 1), "0x500");
    expect_panic(give_back(0x400, 9), "0x400");
    expect_panic(give_back(0x400, 10), "0x400");
    expect_panic(give_back(0x40000, 0), "0x40000");
    expect_panic(give_back(0x40000, 18), "0x40000");
    expect_panic(give_back(0x80001, 1), "0x80001");
    expect_panic(give_back(0x80200, 18), "0x80200");
    expect_panic(give_back(0xf, 0), "frame 0xf, order 0");
    expect_panic(give_back(0, 9), "frame 0x0, order 9");
    expect_panic(give_back(0x1400, 0), "0x1400");
    expect_panic(give_back(0x13f0, 5), "0x13f0");
    expect_panic(give_back(0xc0000, 0), "0xc0000");
    expect_panic(give_back(0x5000000000, 0), "0x5000000000");
    expect_panic(give_back(UINT64_MAX, 0), "0xffffffffffffffff");
    expect_panic(give_back(0x80000, 19), "there is no order 19,");
    expect_panic(give_back(0x80000, 64), "there is no order 64,");
    expect_panic(alloc(19), "there is no order 19,");
    expect_panic(alloc(255), "there is no order 255,");
    expect_panic(alloc_at(0x80000, 19), "there is no order 19,");
    expect_panic(frame_alloc(&frames, (struct frame_request){.flags = 0x82}), "no flags 0x82");
    expect_panic(frame_free_part(&frames, (frame_t){0x600}, 9, (frame_t){0x800}, 0), "no part");
    expect_panic(frame_alloc_run(&frames, (struct frame_run){0}), "run: 0 frames, aligned");
    expect_panic(frame_alloc_run(&frames, (struct frame_run){.count = 1, .align = 3}),
                 "aligned to 3");
    expect_panic(frame_free_run(&frames, (frame_t){0xc0000}, 2), "0xc0000");
    expect_panic(frame_add(&frames, (frame_t){0x13ff}, (frame_t){0x1401}), "0x13ff");
    expect_panic(frame_add(&frames, (frame_t){0x900}, (frame_t){0x902}), "0x900");
    assert_int_equal(free_frames(), before);
    check();
}

/* Random operations against a model: a byte for each frame, 1 if it is free. */

#define FIRST 13
#define LAST  (5 * 512 + 77)

static struct {
    uint8_t is_free[LAST];
    uint64_t start[LAST];
    unsigned order[LAST];
    size_t held;
} model;

static bool model_is_free(uint64_t start, uint64_t size)
{
    return start >= FIRST && start + size <= LAST && memchr(&model.is_free[start], 0, size) == NULL;
}

static bool model_has_block(unsigned order)
{
    uint64_t size = (uint64_t)1 << order, start = 0;
    while (start + size <= LAST && !model_is_free(start, size))
        start += size;
    return start + size <= LAST;
}

static void model_take(struct random *dice, unsigned order, uint64_t start)
{
    random_assert(dice, model_is_free(start, (uint64_t)1 << order));
    memset(&model.is_free[start], 0, (size_t)1 << order);
    model.start[model.held] = start;
    model.order[model.held++] = order;
}

static void random_alloc(struct random *dice)
{
    unsigned order = (unsigned)(random_below(dice, 12) * random_below(dice, 12) / 12);
    bool is_there = model_has_block(order);
    uint64_t start = alloc(order);
    random_assert(dice, is_there == (start != NONE));
    if (start != NONE)
        model_take(dice, order, start);
}

static void random_alloc_at(struct random *dice)
{
    unsigned order = (unsigned)random_below(dice, 6);
    uint64_t size = (uint64_t)1 << order, start = (FIRST + random_below(dice, LAST)) / size * size;
    if (start < FIRST || start + size > LAST)
        return;
    bool free = model_is_free(start, size);
    random_assert(dice, alloc_at(start, order) == free);
    if (free)
        model_take(dice, order, start);
}

static void random_free(struct random *dice)
{
    if (model.held == 0)
        return;
    size_t which = random_below(dice, model.held--);
    memset(&model.is_free[model.start[which]], 1, (size_t)1 << model.order[which]);
    give_back(model.start[which], model.order[which]);
    model.start[which] = model.start[model.held];
    model.order[which] = model.order[model.held];
}

static uint64_t model_free_frames(void)
{
    uint64_t free = 0;
    for (size_t i = 0; i < LAST; i++)
        free += model.is_free[i];
    return free;
}

static uint64_t at_hand(void)
{
    struct frame_hand hand;
    uint64_t sum = 0;
    for (unsigned cpu = 0; frame_hand(&frames, cpu, &hand); cpu++)
        sum += hand.ready + hand.freed;
    return sum;
}

static uint64_t counted_by_place(void)
{
    return frame_fullness(&frames, 0, (frame_end(&frames) + 511) / 512 * 512).free + at_hand();
}

static uint64_t counted_by_order(void)
{
    uint64_t count[FRAME_ORDERS], sum = 0;
    frame_count_blocks(&frames, count);
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        sum += count[order] << order;
    return sum + at_hand();
}

static void random_operations_agree_with_a_byte_for_each_frame(void **state)
{
    (void)state;
    struct frame_range all = range(FIRST, LAST);
    struct random dice = random_start();
    begin_free(&all, 1);
    model.held = 0;
    memset(model.is_free, 1, sizeof model.is_free);
    memset(model.is_free, 0, FIRST);
    for (uint64_t steps = random_steps(100000); dice.step < steps; dice.step++) {
        bool growing = dice.step / 3000 % 2 == 0;
        uint64_t choice = random_below(&dice, 10);
        if (choice == 0)
            random_alloc_at(&dice);
        else if ((choice < 7) == growing)
            random_alloc(&dice);
        else
            random_free(&dice);
        random_assert(&dice, free_frames() == model_free_frames());
        if (dice.step % 500 != 0)
            continue;
        random_assert(&dice, frame_check(&frames, tell) == 0);
        random_assert(&dice, counted_by_place() == model_free_frames());
        random_assert(&dice, counted_by_order() == model_free_frames());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_allocator_has_nothing_free, end),
        cmocka_unit_test_teardown(every_order_is_served_aligned_and_merges_again, end),
        cmocka_unit_test_teardown(all_memory_can_be_had_in_every_order, end),
        cmocka_unit_test_teardown(a_block_may_be_freed_in_parts, end),
        cmocka_unit_test_teardown(a_block_at_a_place_is_had_iff_all_of_it_is_free, end),
        cmocka_unit_test_teardown(a_zeroed_block_is_cleared_and_nothing_else, end),
        cmocka_unit_test_teardown(ceilings_hold_to_the_frame, end),
        cmocka_unit_test_teardown(ragged_ranges_are_managed_to_the_frame, end),
        cmocka_unit_test_teardown(a_block_may_lie_across_ranges_that_touch, end),
        cmocka_unit_test_teardown(memory_is_added_in_any_pieces_and_order, end),
        cmocka_unit_test_teardown(memory_goes_in_the_order_that_was_promised, end),
        cmocka_unit_test_teardown(exhaustion_changes_nothing, end),
        cmocka_unit_test_teardown(any_number_of_frames_can_be_had, end),
        cmocka_unit_test_teardown(many_blocks_come_and_go_at_once, end),
        cmocka_unit_test_teardown(a_node_that_is_asked_for_gives_first, end),
        cmocka_unit_test_teardown(a_cpu_takes_from_its_node, end),
        cmocka_unit_test_teardown(memory_beyond_what_is_counted_in_is_refused, end),
        cmocka_unit_test_teardown(only_atomic_requests_take_from_the_reserve, end),
        cmocka_unit_test_teardown(misuse_panics_with_the_value, end),
        cmocka_unit_test_teardown(random_operations_agree_with_a_byte_for_each_frame, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/picture.c and what lib/alloc/frame_stats.c tells it: memories of which each frame is
 * known, drawn. */
#include "kernel/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BLOCK ((uint64_t)512)
#define GIB_  ((uint64_t)1 << FRAME_ORDER_MAX)

static struct frames frames;
static void *metadata;
static char row[PICTURE_COLUMNS + 1];

static struct frame_range range(uint64_t start, uint64_t end)
{
    return (struct frame_range){{start}, {end}};
}

static void begin(const struct frame_range *ranges, size_t count)
{
    free(metadata);
    metadata = malloc(frame_metadata_size(ranges, count, 2));
    frame_init(&frames, ranges, count, 2, metadata);
    for (size_t i = 0; i < count; i++)
        frame_add(&frames, ranges[i].start, ranges[i].end);
}

static int end(void **state)
{
    (void)state;
    free(metadata);
    metadata = NULL;
    return 0;
}

static void take(uint64_t frame, unsigned order)
{
    assert_true(frame_alloc_at(&frames, (frame_t){frame}, order));
}

static void a_character_tells_the_tenths_in_use(void **state)
{
    (void)state;
    assert_int_equal(picture_character((struct frame_fullness){0, 0, 0}), ' ');
    assert_int_equal(picture_character((struct frame_fullness){512, 512, 512}), '.');
    assert_int_equal(picture_character((struct frame_fullness){512, 511, 0}), '1');
    assert_int_equal(picture_character((struct frame_fullness){512, 410, 0}), '1');
    assert_int_equal(picture_character((struct frame_fullness){512, 256, 0}), '5');
    assert_int_equal(picture_character((struct frame_fullness){512, 1, 0}), '9');
    assert_int_equal(picture_character((struct frame_fullness){512, 0, 0}), '#');
    assert_int_equal(picture_character((struct frame_fullness){3, 1, 0}), '6');
}

static void any_memory_fits_the_rows(void **state)
{
    (void)state;
    assert_int_equal(picture_order(range(0, 1), 1), 9);
    assert_int_equal(picture_order(range(0, 64 * BLOCK), 1), 9);
    assert_int_equal(picture_order(range(0, 64 * BLOCK + 1), 1), 10);
    assert_int_equal(picture_order(range(511, 64 * BLOCK + 1), 1), 10);
    assert_int_equal(picture_order(range(512, 64 * BLOCK + 1), 1), 9);
    assert_int_equal(picture_order(range(0, 64 * BLOCK + 1), 2), 9);
    assert_int_equal(picture_order(range(0, 64 * TIB >> PAGE_SHIFT), 16), 24);
}

static void a_row_shows_each_block_as_full_as_it_is(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(BLOCK, 4 * BLOCK), range(6 * BLOCK, 8 * BLOCK + 10)};
    begin(ranges, 2);
    take(2 * BLOCK, 9);
    take(3 * BLOCK, 8);
    take(8 * BLOCK, 3);
    struct frame_range all = range(0, frame_end(&frames));
    assert_int_equal(all.end.number, 8 * BLOCK + 10);
    assert_true(picture_row(&frames, all, 9, row));
    assert_string_equal(row, " .#5  ..8");
    assert_true(picture_row(&frames, all, 10, row));
    assert_string_equal(row, ".7 .8");
    assert_true(picture_row(&frames, range(7 * BLOCK, 8 * BLOCK), 9, row));
    assert_string_equal(row, ".");
    assert_false(picture_row(&frames, range(4 * BLOCK, 6 * BLOCK), 9, row));
    assert_string_equal(row, "  ");
}

static void rows_end_after_their_columns(void **state)
{
    (void)state;
    struct frame_range all = range(0, 3 * GIB_);
    begin(&all, 1);
    take(GIB_, 18);
    assert_true(picture_row(&frames, all, 9, row));
    assert_int_equal(strspn(row, "."), PICTURE_COLUMNS);
    assert_true(picture_row(&frames, all, 17, row));
    assert_string_equal(row, "..##..");
    assert_true(picture_row(&frames, all, 19, row));
    assert_string_equal(row, "5.");
}

static void fullness_adds_up_whatever_is_taken(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(5, 2 * GIB_ - 3), range(3 * GIB_, 3 * GIB_ + 700)};
    begin(ranges, 2);
    take(GIB_, 12);
    take(77, 0);
    uint64_t whole = 2 * GIB_ - 512 - 512 - 4096 + 512;
    struct frame_fullness all = frame_fullness(&frames, 0, 3 * GIB_ + 1024);
    assert_int_equal(all.managed, 2 * GIB_ - 8 + 700);
    assert_int_equal(all.free, all.managed - 4096 - 1);
    assert_int_equal(all.free, frame_free_count(&frames));
    assert_int_equal(all.whole, whole);
    assert_int_equal(frame_fullness(&frames, 2 * GIB_, 3 * GIB_).managed, 0);
}

static void what_a_cpu_has_at_hand_is_told(void **state)
{
    (void)state;
    struct frame_range all = range(0, GIB_);
    struct frame_hand hand;
    begin(&all, 1);
    assert_false(frame_hand(&frames, 2, &hand));
    assert_true(frame_hand(&frames, 1, &hand));
    assert_int_equal(hand.ready + hand.freed, 0);
    assert_true(frame_is_none(hand.block));
    frame_t frame = frame_alloc(&frames, (struct frame_request){0});
    assert_true(frame_hand(&frames, 0, &hand));
    assert_int_equal(hand.ready, 63);
    assert_int_equal(hand.word.number, frame.number / 64 * 64);
    assert_int_equal(hand.block.number, frame.number / BLOCK * BLOCK);
    struct frame_fullness block = frame_fullness(&frames, hand.block.number, GIB_);
    assert_int_equal(block.free + hand.ready + 1, BLOCK);
}

static void nodes_are_told_as_they_were_given(void **state)
{
    (void)state;
    struct frame_range all[] = {range(0, 1000), range(1000, 2000)};
    struct frame_node nodes[] = {{&all[0], 1}, {&all[1], 1}};
    const struct frame_node *told;
    begin(all, 2);
    assert_int_equal(frame_nodes(&frames, &told), 0);
    frame_set_nodes(&frames, nodes, 2, NULL);
    assert_int_equal(frame_nodes(&frames, &told), 2);
    assert_ptr_equal(told, nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_character_tells_the_tenths_in_use, end),
        cmocka_unit_test_teardown(any_memory_fits_the_rows, end),
        cmocka_unit_test_teardown(a_row_shows_each_block_as_full_as_it_is, end),
        cmocka_unit_test_teardown(rows_end_after_their_columns, end),
        cmocka_unit_test_teardown(fullness_adds_up_whatever_is_taken, end),
        cmocka_unit_test_teardown(what_a_cpu_has_at_hand_is_told, end),
        cmocka_unit_test_teardown(nodes_are_told_as_they_were_given, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

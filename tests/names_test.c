/* SPDX-License-Identifier: MIT */
/* Tests kernel/names.c. The names are one table for ever, so the tests go by their order. */
#include "kernel/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/error.h"

static void assert_found(const char *text, uintptr_t expected)
{
    uintptr_t address = ~expected;
    assert_int_equal(names_find(text, &address), 0);
    assert_int_equal(address, expected);
}

static void assert_not_found(const char *text, int error)
{
    uintptr_t address = 4711;
    if (names_find(text, &address) != error)
        fail_msg("%s does not return %d", text, error);
    assert_int_equal(address, 4711);
}

static void without_blocks_there_are_no_names(void **state)
{
    (void)state;
    assert_not_found("$0", -ENOENT);
    assert_not_found("$1", -ENOENT);
}

static void names_count_from_one_and_take_offsets(void **state)
{
    (void)state;
    assert_int_equal(names_add(0x1000), 1);
    assert_int_equal(names_add(0xfffffffffffffff0), 2);
    assert_found("$1", 0x1000);
    assert_found("$1+8", 0x1008);
    assert_found("$1+0x10", 0x1010);
    assert_found("$1+4K", 0x2000);
    assert_found("$2+15", 0xffffffffffffffff);
    assert_not_found("$2+16", -ERANGE);
    assert_not_found("$3", -ENOENT);
    assert_not_found("$0", -ENOENT);
}

static void slips_are_told_apart(void **state)
{
    (void)state;
    static const char *const junk[] = {"",    "1",   "$",   "$x",   "$1x",  "$0x1", "$1K",
                                       "$-1", "$+1", "$1+", "$1+x", "$1-8", "$ 1",  "$1 "};
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++)
        assert_not_found(junk[i], -EINVAL);
    assert_not_found("$9999999999999999999", -ENOENT);
    assert_not_found("$18446744073709551617", -ENOENT);
    assert_not_found("$1+99999999999999999999", -ERANGE);
}

static void a_block_that_moves_keeps_its_name(void **state)
{
    (void)state;
    assert_int_equal(names_add(0x5000), 3);
    assert_int_equal(names_add(0x5000), 4); /* the block of $3 was freed, and its place reused */
    assert_int_equal(names_move(0x5000, 0x6000), 4);
    assert_found("$3", 0x5000);
    assert_found("$4", 0x6000);
    assert_int_equal(names_move(0x7777, 0x8000), 5);
    assert_found("$5", 0x8000);
}

static void the_newest_names_are_kept(void **state)
{
    (void)state;
    unsigned newest = 5;
    for (; newest < 5 + 2 * NAMES_KEPT; newest++)
        assert_int_equal(names_add(newest + 1), newest + 1);
    for (unsigned n = 1; n <= newest + 1; n++) {
        char text[16];
        snprintf(text, sizeof text, "$%u", n);
        if (n + NAMES_KEPT > newest && n <= newest)
            assert_found(text, n);
        else
            assert_not_found(text, -ENOENT);
    }
    assert_int_equal(names_move(newest - NAMES_KEPT, 1), newest + 1); /* forgotten, so a new one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_blocks_there_are_no_names),
        cmocka_unit_test(names_count_from_one_and_take_offsets),
        cmocka_unit_test(slips_are_told_apart),
        cmocka_unit_test(a_block_that_moves_keeps_its_name),
        cmocka_unit_test(the_newest_names_are_kept),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}

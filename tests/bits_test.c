/* SPDX-License-Identifier: MIT */
/* Tests lib/bits.h against definitions written out bit by bit. */
#include "lib/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void power_of_two_means_exactly_one_bit(void **state)
{
    (void)state;
    assert_false(bits_is_power_of_two(0));
    for (unsigned i = 0; i < 64; i++) {
        assert_true(bits_is_power_of_two((uint64_t)1 << i));
        for (unsigned j = 0; j < i; j++)
            assert_false(bits_is_power_of_two((uint64_t)1 << i | (uint64_t)1 << j));
    }
    assert_false(bits_is_power_of_two(UINT64_MAX));
}

static void rounding_finds_the_nearest_multiples(void **state)
{
    (void)state;
    for (uint64_t unit = 1; unit <= 64; unit *= 2) {
        for (uint64_t value = 0; value < 300; value++) {
            assert_int_equal(bits_round_down(value, unit), value / unit * unit);
            assert_int_equal(bits_round_up(value, unit), (value + unit - 1) / unit * unit);
            assert_int_equal(bits_is_aligned(value, unit), value % unit == 0);
        }
    }
}

static void rounding_works_up_to_the_last_unit(void **state)
{
    (void)state;
    uint64_t unit = (uint64_t)1 << 63;
    assert_int_equal(bits_round_up(1, unit), unit);
    assert_int_equal(bits_round_up(unit, unit), unit);
    assert_int_equal(bits_round_up(unit + 1, unit), 0);
    assert_int_equal(bits_round_down(UINT64_MAX, unit), unit);
    assert_int_equal(bits_round_up(UINT64_MAX - 4095, 4096), UINT64_MAX - 4095);
    assert_int_equal(bits_round_up(UINT64_MAX - 4094, 4096), 0);
}

static void lowest_and_highest_find_the_outermost_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(bits_lowest(UINT64_MAX << i), i);
        assert_int_equal(bits_highest(UINT64_MAX >> i), 63 - i);
        for (unsigned j = 0; j <= i; j++) {
            uint64_t value = (uint64_t)1 << i | (uint64_t)1 << j;
            assert_int_equal(bits_lowest(value), j);
            assert_int_equal(bits_highest(value), i);
        }
    }
}

static void count_counts_set_bits(void **state)
{
    (void)state;
    assert_int_equal(bits_count(0), 0);
    assert_int_equal(bits_count(UINT64_MAX), 64);
    uint64_t value = 1;
    for (int round = 0; round < 1000; round++) {
        unsigned count = 0;
        for (unsigned bit = 0; bit < 64; bit++)
            count += (value >> bit) & 1;
        assert_int_equal(bits_count(value), count);
        value = value * 6364136223846793005U + 1442695040888963407U;
    }
}

static void log2_up_is_the_smallest_sufficient_power(void **state)
{
    (void)state;
    unsigned power = 0;
    for (uint64_t value = 1; value < 5000; value++) {
        if ((uint64_t)1 << power < value)
            power++;
        assert_int_equal(bits_log2_up(value), power);
    }
    for (unsigned i = 1; i < 63; i++) {
        assert_int_equal(bits_log2_up((uint64_t)1 << i), i);
        assert_int_equal(bits_log2_up(((uint64_t)1 << i) + 1), i + 1);
    }
    assert_int_equal(bits_log2_up((uint64_t)1 << 63), 63);
}

static void mask_sets_the_bits_of_its_range(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 64; first++) {
        for (unsigned count = 0; first + count <= 64; count++) {
            uint64_t mask = bits_mask(first, count);
            for (unsigned bit = 0; bit < 64; bit++)
                assert_int_equal((mask >> bit) & 1, bit >= first && bit < first + count);
        }
    }
}

static void map_changes_one_bit_and_no_other(void **state)
{
    (void)state;
    enum { BITS = 192 };
    uint64_t map[BITS / 64] = {0};
    for (size_t bit = 0; bit < BITS; bit++) {
        bits_set(map, bit);
        for (size_t other = 0; other < BITS; other++)
            assert_int_equal(bits_test(map, other), other == bit);
        bits_set(map, bit);
        bits_clear(map, bit);
        for (size_t word = 0; word < BITS / 64; word++)
            assert_int_equal(map[word], 0);
        bits_clear(map, bit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_of_two_means_exactly_one_bit),
        cmocka_unit_test(rounding_finds_the_nearest_multiples),
        cmocka_unit_test(rounding_works_up_to_the_last_unit),
        cmocka_unit_test(lowest_and_highest_find_the_outermost_bits),
        cmocka_unit_test(count_counts_set_bits),
        cmocka_unit_test(log2_up_is_the_smallest_sufficient_power),
        cmocka_unit_test(mask_sets_the_bits_of_its_range),
        cmocka_unit_test(map_changes_one_bit_and_no_other),
    };
    return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}

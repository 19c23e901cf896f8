/* SPDX-License-Identifier: MIT */
/* Tests lib/alloc/frame_word.h against its contracts, written out bit by bit. */
#include "lib/alloc/frame_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Words of all densities: about one bit in 2^(round % 4), and as many clear ones. */
static uint64_t next_word(unsigned round)
{
    static uint64_t state = 1;
    uint64_t word = UINT64_MAX;
    for (unsigned i = 0; i <= round % 4; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        word &= state >> 7 ^ state << 31;
    }
    return round % 8 < 4 ? word : ~word;
}

static bool has(uint64_t word, unsigned bit)
{
    return (word >> bit & 1) != 0;
}

static bool has_run(uint64_t word, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (i >= 64 || !has(word, i))
            return false;
    return true;
}

static void mask_sets_the_bits_of_its_range(void **state)
{
    (void)state;
    for (unsigned from = 0; from <= 64; from++)
        for (unsigned to = 0; to <= 64; to++)
            for (unsigned bit = 0; bit < 64; bit++)
                assert_int_equal(has(word_mask(from, to), bit), from <= bit && bit < to);
}

static void clip_counts_the_numbers_below_the_limit(void **state)
{
    (void)state;
    for (uint64_t limit = 0; limit < 40; limit++)
        for (uint64_t start = 0; start < 40; start++)
            for (unsigned size = 0; size < 20; size++) {
                unsigned count = 0;
                for (uint64_t i = start; i < start + size; i++)
                    count += i < limit;
                assert_int_equal(word_clip(limit, start, size), count);
            }
    assert_int_equal(word_clip(UINT64_MAX, 0, UINT32_MAX), UINT32_MAX);
    assert_int_equal(word_clip(UINT64_MAX, UINT64_MAX - 3, 64), 3);
    assert_int_equal(word_clip(0, UINT64_MAX, 64), 0);
}

static void runs_start_where_aligned_bits_are_all_set(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        uint64_t word = next_word(round);
        for (unsigned k = 0; k <= 6; k++)
            for (unsigned bit = 0; bit < 64; bit++)
                assert_int_equal(has(word_runs(word, k), bit),
                                 bit % (1u << k) == 0 && has_run(word, bit, 1u << k));
    }
    assert_int_equal(word_runs(UINT64_MAX, 6), 1);
    assert_int_equal(word_runs(UINT64_MAX - 1, 6), 0);
}

static void take_takes_the_highest_run_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t old = next_word(round), window = next_word(round / 8), word = old;
        unsigned k = round % 7, size = 1u << k;
        int expected = 64 - (int)size;
        while (expected >= 0 && !has_run(old & window, (unsigned)expected, size))
            expected -= (int)size;
        assert_int_equal(word_take(&word, k, window), expected < 0 ? -1 : expected);
        for (unsigned bit = 0; bit < 64; bit++) {
            bool taken = expected >= 0 && bit / size == (unsigned)expected / size;
            assert_int_equal(has(word, bit), has(old, bit) && !taken);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_sets_the_bits_of_its_range),
        cmocka_unit_test(clip_counts_the_numbers_below_the_limit),
        cmocka_unit_test(runs_start_where_aligned_bits_are_all_set),
        cmocka_unit_test(take_takes_the_highest_run_and_nothing_else),
    };
    return cmocka_run_group_tests_name("frame_word", tests, NULL, NULL);
}

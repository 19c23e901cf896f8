/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/string.c, compiled under other names (tests/host/string_rename.h), against the host's
 * functions. Buffers that a function must not leave have their exact size, so that the sanitizers
 * see the first byte beyond. SEED=n in the environment chooses other random strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"

void *loam_memcpy(void *restrict to, const void *restrict from, size_t size);
void *loam_memmove(void *to, const void *from, size_t size);
void *loam_memset(void *to, int byte, size_t size);
int loam_memcmp(const void *a, const void *b, size_t size);
size_t loam_strlen(const char *text);
size_t loam_strnlen(const char *text, size_t max);
int loam_strcmp(const char *a, const char *b);
int loam_strncmp(const char *a, const char *b, size_t max);
char *loam_strchr(const char *text, int character);

enum { ALIGNMENTS = 8, SIZES = 72 };

static struct random dice;

/* Fills a buffer with bytes unlike their neighbours and unlike those of the last call. */
static void fill(unsigned char *buffer, size_t size)
{
    static unsigned char last;
    for (size_t i = 0; i < size; i++)
        buffer[i] = last += 37;
    last++;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* Memory of exactly `size` bytes that ends where malloc's block ends and starts `offset` bytes
 * after an aligned address; `block` is what to free. */
static unsigned char *exact(size_t offset, size_t size, void **block)
{
    *block = malloc(offset + size + (offset + size == 0));
    return (unsigned char *)*block + offset;
}

static void check_memcpy(size_t to_offset, size_t from_offset, size_t size)
{
    void *to_block;
    void *from_block;
    unsigned char *to = exact(to_offset, size, &to_block);
    unsigned char *from = exact(from_offset, size, &from_block);
    fill(from_block, from_offset + size);
    memset(to_block, 0xee, to_offset + size);
    assert_ptr_equal(loam_memcpy(to, from, size), to);
    assert_memory_equal(to, from, size);
    for (size_t i = 0; i < to_offset; i++)
        assert_int_equal(((unsigned char *)to_block)[i], 0xee);
    free(to_block);
    free(from_block);
}

static void memcpy_copies_at_every_alignment_and_size(void **state)
{
    (void)state;
    for (size_t to = 0; to < ALIGNMENTS; to++) {
        for (size_t from = 0; from < ALIGNMENTS; from++) {
            for (size_t size = 0; size < SIZES; size++)
                check_memcpy(to, from, size);
        }
    }
}

static void memmove_copies_at_every_overlap(void **state)
{
    (void)state;
    enum { AREA = 64 };
    unsigned char ours[AREA];
    unsigned char theirs[AREA];
    for (size_t to = 0; to < AREA; to++) {
        for (size_t from = 0; from < AREA; from++) {
            size_t longest = AREA - (to > from ? to : from);
            for (size_t size = 0; size <= longest; size++) {
                fill(ours, AREA);
                memcpy(theirs, ours, AREA);
                assert_ptr_equal(loam_memmove(ours + to, ours + from, size), ours + to);
                memmove(theirs + to, theirs + from, size);
                assert_memory_equal(ours, theirs, AREA);
            }
        }
    }
}

static void memset_fills_its_bytes_and_no_other(void **state)
{
    (void)state;
    static const int bytes[] = {0, 1, 0x80, 0xff, -1, 0x1234, 0x7fffff81};
    unsigned char ours[ALIGNMENTS + SIZES + 8];
    unsigned char theirs[sizeof(ours)];
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        for (size_t offset = 0; offset < ALIGNMENTS; offset++) {
            for (size_t size = 0; size < SIZES; size++) {
                fill(ours, sizeof(ours));
                memcpy(theirs, ours, sizeof(ours));
                assert_ptr_equal(loam_memset(ours + offset, bytes[i], size), ours + offset);
                memset(theirs + offset, bytes[i], size);
                assert_memory_equal(ours, theirs, sizeof(ours));
            }
        }
    }
}

static void memcmp_finds_a_difference_at_every_place(void **state)
{
    (void)state;
    for (size_t size = 0; size < SIZES; size++) {
        void *a_block;
        void *b_block;
        unsigned char *a = exact(size % ALIGNMENTS, size, &a_block);
        unsigned char *b = exact(size / 3 % ALIGNMENTS, size, &b_block);
        fill(a, size);
        memcpy(b, a, size);
        assert_int_equal(loam_memcmp(a, b, size), 0);
        for (size_t i = 0; i < size; i++) {
            b[i] ^= (unsigned char)(1 << i % 8);
            if (i + 1 < size)
                b[i + 1] = (unsigned char)~b[i + 1]; /* only the first difference counts */
            assert_int_equal(sign(loam_memcmp(a, b, size)), sign(memcmp(a, b, size)));
            assert_int_equal(sign(loam_memcmp(b, a, size)), sign(memcmp(b, a, size)));
            assert_int_equal(loam_memcmp(a, b, i), 0);
            memcpy(b, a, size);
        }
        free(a_block);
        free(b_block);
    }
}

static void memory_functions_work_on_large_areas(void **state)
{
    (void)state;
    enum { LARGE = 1 << 20 };
    unsigned char *from = malloc(LARGE);
    unsigned char *to = malloc(LARGE);
    fill(from, LARGE);
    loam_memcpy(to, from, LARGE);
    assert_int_equal(memcmp(to, from, LARGE), 0);
    assert_int_equal(loam_memcmp(to, from, LARGE), 0);
    to[LARGE - 1] ^= 1;
    assert_int_not_equal(loam_memcmp(to, from, LARGE), 0);
    loam_memset(to, 0x5a, LARGE);
    memset(from, 0x5a, LARGE);
    assert_int_equal(memcmp(to, from, LARGE), 0);
    free(from);
    free(to);
}

static void strlen_and_strnlen_count_up_to_the_terminator(void **state)
{
    (void)state;
    for (size_t length = 0; length < SIZES; length++) {
        char *text = malloc(length + 1);
        memset(text, 0xff, length);
        text[length] = '\0';
        assert_int_equal(loam_strlen(text), length);
        for (size_t max = 0; max < SIZES; max++)
            assert_int_equal(loam_strnlen(text, max), strnlen(text, max));
        assert_int_equal(loam_strnlen(text, SIZE_MAX), length);
        free(text);
    }
}

static void strnlen_needs_no_terminator(void **state)
{
    (void)state;
    char *text = malloc(9);
    memset(text, 'x', 9);
    assert_int_equal(loam_strnlen(text, 9), 9);
    free(text);
}

/* A string of up to `longest` of few characters, some above 127, in memory of its exact size. */
static char *random_string(size_t longest)
{
    static const char alphabet[] = {'a', 'b', '\x7f', '\x80', '\xff'};
    size_t length = random_below(&dice, longest + 1);
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = alphabet[random_below(&dice, sizeof(alphabet))];
    text[length] = '\0';
    return text;
}

static void comparisons_agree_with_the_host(void **state)
{
    (void)state;
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(100000); round++) {
        char *a = random_string(5);
        char *b = random_string(5);
        if (sign(loam_strcmp(a, b)) != sign(strcmp(a, b)))
            fail_msg("SEED=%lu, round %lu: strcmp differs", dice.seed, round);
        for (size_t max = 0; max < 8; max++) {
            if (sign(loam_strncmp(a, b, max)) != sign(strncmp(a, b, max)))
                fail_msg("SEED=%lu, round %lu: strncmp to %zu differs", dice.seed, round, max);
        }
        free(a);
        free(b);
    }
}

static void strncmp_stops_at_its_limit(void **state)
{
    (void)state;
    char *text = malloc(3);
    memcpy(text, "abc", 3);
    assert_int_equal(loam_strncmp(text, "abcd", 3), 0);
    assert_int_equal(loam_strncmp("abcd", text, 3), 0);
    free(text);
}

static void strchr_finds_the_first_and_the_terminator(void **state)
{
    (void)state;
    static const int characters[] = {0, 'a', 'b', 'c', 0x80, -0x80, 0xff, -1, 'b' + 256, 256};
    dice = random_start();
    for (uint64_t round = 0; round < random_steps(20000); round++) {
        char *text = random_string(12);
        for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
            if (loam_strchr(text, characters[i]) != strchr(text, characters[i]))
                fail_msg("SEED=%lu, round %lu: strchr of %d differs", dice.seed, round,
                         characters[i]);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memcpy_copies_at_every_alignment_and_size),
        cmocka_unit_test(memmove_copies_at_every_overlap),
        cmocka_unit_test(memset_fills_its_bytes_and_no_other),
        cmocka_unit_test(memcmp_finds_a_difference_at_every_place),
        cmocka_unit_test(memory_functions_work_on_large_areas),
        cmocka_unit_test(strlen_and_strnlen_count_up_to_the_terminator),
        cmocka_unit_test(strnlen_needs_no_terminator),
        cmocka_unit_test(comparisons_agree_with_the_host),
        cmocka_unit_test(strncmp_stops_at_its_limit),
        cmocka_unit_test(strchr_finds_the_first_and_the_terminator),
    };
    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}

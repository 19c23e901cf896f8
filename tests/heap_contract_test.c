/* SPDX-License-Identifier: MIT */
/*
 * Tests whichever heap this is linked with against the contract of heap.h: the slabs, and the free
 * list of lib/alloc/simple.
 */
#include "lib/alloc/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/addr.h"
#include "lib/bits.h"
#include "tests/host/expect.h"
#include "tests/host/random.h"

#define SLOTS 300
#define STEPS 20000

static struct heap_world world;
static struct heap heap, other;

static void tell(const char *sentence)
{
    print_message("%s\n", sentence);
}

static int begin(void **state)
{
    (void)state;
    host_heap_start(&world, 0, 256 * MIB, 3);
    heap_init(&heap, &world);
    heap_init(&other, &world);
    return 0;
}

static int end(void **state)
{
    (void)state;
    heap_collect(&other);
    heap_collect(&heap);
    assert_int_equal(heap_check(&world, tell), 0);
    return 0;
}

struct slot {
    unsigned char *block;
    size_t size;
    unsigned char tag;
};

static bool is_filled(const unsigned char *block, unsigned char byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (block[i] != byte)
            return false;
    return true;
}

static size_t random_size(struct random *dice)
{
    return random_below(dice, (uint64_t)1 << random_below(dice, 18)) + 1;
}

static void fill(struct slot *slot, struct random *dice)
{
    struct heap *from = random_once_in(dice, 2) ? &heap : &other;
    size_t align = (size_t)1 << random_below(dice, 14);
    slot->size = random_size(dice);
    slot->tag = (unsigned char)random_next(dice);
    switch (random_below(dice, 3)) {
    case 0:
        slot->block = heap_alloc(from, slot->size);
        break;
    case 1:
        slot->block = heap_alloc_zeroed(from, slot->size);
        random_assert(dice, is_filled(slot->block, 0, slot->size));
        break;
    default:
        slot->block = heap_alloc_aligned(from, slot->size, align);
        random_assert(dice, bits_is_aligned((uintptr_t)slot->block, align));
    }
    random_assert(dice, bits_is_aligned((uintptr_t)slot->block, HEAP_MIN_ALIGN));
    random_assert(dice, heap_owns(&world, slot->block));
    random_assert(dice, heap_size(&world, slot->block) >= slot->size);
    memset(slot->block, slot->tag, slot->size);
}

static void change(struct slot *slot, struct random *dice)
{
    random_assert(dice, is_filled(slot->block, slot->tag, slot->size));
    if (random_once_in(dice, 2)) {
        heap_free(random_once_in(dice, 2) ? &heap : &other, slot->block);
        slot->block = NULL;
        return;
    }
    size_t size = random_size(dice), kept = bits_min(size, slot->size);
    slot->block = heap_realloc(&heap, slot->block, size);
    random_assert(dice, is_filled(slot->block, slot->tag, kept));
    slot->size = size;
    memset(slot->block, slot->tag, size);
}

static void blocks_keep_what_is_in_them(void **state)
{
    (void)state;
    static struct slot slots[SLOTS];
    struct random dice = random_start();
    uint64_t steps = random_steps(STEPS);
    for (dice.step = 0; dice.step < steps; dice.step++) {
        struct slot *slot = &slots[random_below(&dice, SLOTS)];
        if (slot->block == NULL)
            fill(slot, &dice);
        else
            change(slot, &dice);
        if (dice.step % 1000 == 0)
            assert_int_equal(heap_check(&world, tell), 0);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        heap_free(&heap, slots[i].block);
        slots[i].block = NULL;
    }
}

static void powers_of_two_are_aligned_to_themselves(void **state)
{
    (void)state;
    for (size_t size = 16; size <= HEAP_SMALL_MAX; size *= 2) {
        void *blocks[3];
        for (unsigned i = 0; i < 3; i++) {
            blocks[i] = heap_alloc(&heap, size);
            assert_true(bits_is_aligned((uintptr_t)blocks[i], size));
        }
        for (unsigned i = 0; i < 3; i++)
            heap_free(&heap, blocks[i]);
    }
}

static void realloc_keeps_the_alignment(void **state)
{
    (void)state;
    char *block = heap_alloc_aligned(&heap, 100, 4096);
    void *behind = heap_alloc(&heap, 100);
    strcpy(block, "kept");
    for (size_t size = 100; size < 400000; size = size * 3 / 2) {
        block = heap_realloc(&heap, block, size);
        assert_true(bits_is_aligned((uintptr_t)block, 4096));
        assert_string_equal(block, "kept");
    }
    heap_free(&heap, behind);
    heap_free(&heap, block);
}

static void odd_requests_are_met(void **state)
{
    (void)state;
    void *one = heap_alloc(&heap, 0), *two = heap_alloc(&heap, 0);
    assert_non_null(one);
    assert_ptr_not_equal(one, two);
    heap_free(&heap, one);
    heap_free(&heap, two);
    heap_free(&heap, NULL);
    assert_null(heap_alloc(&heap, SIZE_MAX));
    assert_null(heap_alloc(&heap, SIZE_MAX - 15));
    assert_null(heap_alloc_zeroed(&heap, (size_t)1 << 62));
    assert_null(heap_alloc_aligned(&heap, 16, (size_t)1 << 62));
    void *block = heap_realloc(&heap, NULL, 10);
    assert_non_null(block);
    assert_null(heap_realloc(&heap, block, SIZE_MAX / 2));
    assert_true(heap_owns(&world, block));
    heap_free(&heap, block);
}

static void misuse_panics(void **state)
{
    (void)state;
    char local[64];
    char *block = heap_alloc(&heap, 1000), *hold = heap_alloc(&heap, 1000);
    memset(block, 0, 1000);
    expect_panic(heap_free(&heap, local + 16), "is not a heap pointer");
    expect_panic(heap_free(&heap, block + 16), "points ");
    expect_panic(heap_free(&heap, block + 1), "");
    expect_panic((void)heap_size(&world, local), "is not a heap pointer");
    heap_free(&heap, block);
    expect_panic(heap_free(&heap, block), "is already free");
    assert_false(heap_owns(&world, block));
    heap_free(&heap, hold);
}

static void the_cap_is_kept(void **state)
{
    (void)state;
    void **list = NULL;
    heap_set_cap(&world, heap_taken(&world) + MIB);
    for (void **block = heap_alloc(&heap, 5000); block != NULL; block = heap_alloc(&heap, 5000)) {
        *block = list;
        list = block;
    }
    assert_true(heap_taken(&world) <= 2 * MIB);
    assert_non_null(list);
    while (list != NULL) {
        void **next = *list;
        heap_free(&heap, list);
        list = next;
    }
    void *again = heap_alloc(&heap, 5000);
    assert_non_null(again);
    heap_free(&heap, again);
}

static void each_failed_call_of_the_port_is_survived(void **state)
{
    (void)state;
    for (unsigned call = 0; call < 6; call++) {
        for (unsigned onwards = 0; onwards < 2; onwards++) {
            host_heap_start(&world, 0, 256 * MIB, 3);
            heap_init(&heap, &world);
            host_heap_fail(call, onwards != 0);
            void *small = heap_alloc(&heap, 100), *large = heap_alloc(&heap, 300000);
            host_heap_fail_never();
            heap_free(&heap, small);
            heap_free(&heap, large);
            small = heap_alloc(&heap, 100);
            assert_non_null(small);
            heap_free(&heap, small);
            assert_int_equal(heap_check(&world, tell), 0);
        }
    }
    heap_init(&other, &world);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocks_keep_what_is_in_them),
        TEST(powers_of_two_are_aligned_to_themselves),
        TEST(realloc_keeps_the_alignment),
        TEST(odd_requests_are_met),
        TEST(misuse_panics),
        TEST(the_cap_is_kept),
        TEST(each_failed_call_of_the_port_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The heap: its contract, every misuse, random operations against a naive model, a port that fails
 * at every call, and a checker that sees every damage. All of it with and without HEAP_DEBUG.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/alloc/heap_large.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "tests/host/expect.h"
#include "tests/host/shrink.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct heap heap;

static int start_over(void **state)
{
    (void)state;
    host_heap_reset();
    heap_init(&heap);
    return 0;
}

static void *alloc(size_t size)
{
    void *block = heap_alloc(&heap, size, 0, false);
    assert_non_null(block);
    return block;
}

static void print_sentence(const char *sentence)
{
    print_error("heap_check: %s\n", sentence);
}

static void assert_sound(void)
{
    assert_int_equal(heap_check(&heap, print_sentence), 0);
}

/* What is in use, whatever the arena holds in reserve. */
struct in_use {
    uint64_t live;
    uint64_t slabs;
    uint64_t large;
    uint64_t large_bytes;
    size_t mapped;
};

static struct in_use in_use(void)
{
    struct in_use sum = {
        .large = heap.large_count, .large_bytes = heap.large_bytes, .mapped = host_heap_mapped};
    for (unsigned i = 0; i <= HEAP_RECORDS; i++) {
        sum.live += heap.classes[i].live;
        sum.slabs += heap.classes[i].slabs;
    }
    return sum;
}

static void assert_same_use(struct in_use a, struct in_use b)
{
    assert_int_equal(a.live, b.live);
    assert_int_equal(a.slabs, b.slabs);
    assert_int_equal(a.large, b.large);
    assert_int_equal(a.large_bytes, b.large_bytes);
    assert_int_equal(a.mapped, b.mapped);
}

static void assert_all_returned(void)
{
    assert_sound();
    assert_same_use(in_use(), (struct in_use){0});
    assert_int_equal(heap.free_slices, heap.slices);
    assert_int_equal(host_heap_arena_bytes, heap.slices * HEAP_SLICE_SIZE);
}

/* Contents that tell blocks apart: all bytes of the first and last page, one byte of each other. */
static unsigned char tag_byte(uint32_t tag, size_t at)
{
    return (unsigned char)(tag * 131 + at * 7 + at / 256);
}

static size_t tag_step(size_t at, size_t size)
{
    return at >= PAGE_SIZE && at + 2 * PAGE_SIZE < size ? PAGE_SIZE : 1;
}

static void tag_write(unsigned char *block, size_t size, uint32_t tag)
{
    for (size_t at = 0; at < size; at += tag_step(at, size))
        block[at] = tag_byte(tag, at);
}

/* The first `count` bytes of a block of `size` that was written with `tag`. */
static bool tag_holds(const unsigned char *block, size_t count, size_t size, uint32_t tag)
{
    for (size_t at = 0; at < count; at += tag_step(at, size))
        if (block[at] != tag_byte(tag, at))
            return false;
    return true;
}

static bool all_bytes(const void *start, size_t size, unsigned char byte)
{
    const unsigned char *at = start;
    for (size_t i = 0; i < size; i++)
        if (at[i] != byte)
            return false;
    return true;
}

/* --- the contract --- */

static void heap_init_asks_nothing_of_its_port(void **state)
{
    (void)state;
    assert_int_equal(host_heap_calls, 0);
    assert_all_returned();
}

static void every_small_size_has_a_close_class(void **state)
{
    (void)state;
    size_t distinct = 0, before = 0;
    for (size_t size = 0; size <= HEAP_SMALL_MAX; size++) {
        void *block = alloc(size);
        size_t usable = heap_size(&heap, block);
        heap_free(&heap, block);
        assert_true(usable >= size && usable >= before);
        assert_true(usable - size < (size <= 256    ? 17
                                     : size <= 1024 ? size / 8 + 1
                                                    : size / 4 + 1));
        distinct += usable != before;
        before = usable;
    }
    assert_int_equal(distinct, HEAP_CLASSES);
    assert_int_equal(before, HEAP_SMALL_MAX);
    assert_all_returned();
}

static void powers_of_two_are_aligned_to_their_size(void **state)
{
    (void)state;
    for (size_t size = 16; size <= HEAP_SMALL_MAX; size *= 2) {
        alloc(size);
        assert_true(bits_is_aligned((uintptr_t)alloc(size), size));
    }
}

static void size_zero_gives_distinct_blocks(void **state)
{
    (void)state;
    void *a = alloc(0), *b = alloc(0);
    assert_ptr_not_equal(a, b);
    void *c = heap_alloc(&heap, 0, MIB, false);
    assert_non_null(c);
    assert_true(heap_owns(&heap, a) && heap_owns(&heap, b) && heap_owns(&heap, c));
    heap_free(&heap, a);
    heap_free(&heap, b);
    heap_free(&heap, c);
    assert_all_returned();
}

static void absurd_sizes_return_null(void **state)
{
    (void)state;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4096, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX,
                            PTRDIFF_MAX - 4096};
    void *block = alloc(100), *large = alloc(100000);
    unsigned calls = host_heap_calls;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_null(heap_alloc(&heap, sizes[i], 0, true));
        assert_null(heap_alloc(&heap, sizes[i], MIB, false));
        assert_null(heap_realloc(&heap, block, sizes[i], true));
        assert_null(heap_realloc(&heap, large, sizes[i], false));
    }
    assert_null(heap_alloc(&heap, 1, (size_t)1 << 63, false));
    assert_int_equal(host_heap_calls, calls);
    assert_null(heap_alloc(&heap, (size_t)1 << 46, 0, false));
    assert_null(heap_alloc(&heap, 1, (size_t)1 << 46, false));
    assert_sound();
    heap_free(&heap, block);
    heap_free(&heap, large);
    assert_all_returned();
}

static void free_of_null_does_nothing(void **state)
{
    (void)state;
    heap_free(&heap, NULL);
    assert_int_equal(host_heap_calls, 0);
}

static void realloc_of_null_allocates(void **state)
{
    (void)state;
    void *block = heap_realloc(&heap, NULL, 100, true);
    assert_non_null(block);
    assert_true(all_bytes(block, heap_size(&heap, block), 0));
}

static void zeroed_blocks_are_zero_to_their_last_usable_byte(void **state)
{
    (void)state;
    for (size_t size = 1; size < 200000; size += size / 3 + 1) {
        void *block = alloc(size);
        memset(block, 0x77, heap_size(&heap, block));
        heap_free(&heap, block);
        block = heap_alloc(&heap, size, 0, true);
        assert_true(all_bytes(block, heap_size(&heap, block), 0));
        heap_free(&heap, block);
    }
    assert_all_returned();
}

static void every_alignment_up_to_1m_is_kept(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 16, 24, 100, 1000, 4096, 5000, 30000, 32768, 32769, 300000};
    void *blocks[32][COUNT(sizes)];
    unsigned count = 0;
    for (size_t align = 1; align <= MIB; align *= 2, count++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            void *block = heap_alloc(&heap, sizes[i], align, false);
            assert_non_null(block);
            assert_true(bits_is_aligned((uintptr_t)block, align < 16 ? 16 : align));
            assert_true(heap_size(&heap, block) >= sizes[i]);
            tag_write(block, sizes[i], count * 16 + (uint32_t)i);
            blocks[count][i] = block;
        }
    assert_sound();
    for (unsigned a = 0; a < count; a++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            assert_true(tag_holds(blocks[a][i], sizes[i], sizes[i], a * 16 + (uint32_t)i));
            heap_free(&heap, blocks[a][i]);
        }
    assert_all_returned();
}

static void small_aligned_blocks_are_not_mappings(void **state)
{
    (void)state;
    for (size_t align = 16; align <= HEAP_SMALL_MAX; align *= 2)
        assert_non_null(heap_alloc(&heap, 20, align, false));
    assert_int_equal(heap.large_count, 0);
}

static void realloc_once(size_t from, size_t to, size_t align, bool zero)
{
    unsigned char *block = heap_alloc(&heap, from, align, zero);
    assert_non_null(block);
    tag_write(block, from, 5);
    unsigned char *moved = heap_realloc(&heap, block, to, zero);
    assert_non_null(moved);
    size_t usable = heap_size(&heap, moved), kept = from < to ? from : to;
    assert_true(usable >= to);
    assert_true(bits_is_aligned((uintptr_t)moved, align));
    assert_true(tag_holds(moved, kept, from, 5));
    if (zero && to > from)
        assert_true(all_bytes(moved + from, usable - from, 0));
    heap_free(&heap, moved);
}

static void realloc_keeps_contents_and_alignment_in_all_directions(void **state)
{
    (void)state;
    const size_t sizes[] = {0,    1,     16,    17,    100,   256,    257,   1000,
                            4096, 20000, 32768, 32769, 65536, 100000, 300000};
    const size_t aligns[] = {16, 64, 4096, 65536, MIB};
    for (size_t a = 0; a < COUNT(aligns); a++) {
        for (size_t i = 0; i < COUNT(sizes); i++)
            for (size_t j = 0; j < COUNT(sizes); j++) {
                realloc_once(sizes[i], sizes[j], aligns[a], false);
                realloc_once(sizes[i], sizes[j], aligns[a], true);
            }
        assert_all_returned();
    }
}

static void realloc_stays_in_place_where_the_block_fits(void **state)
{
    (void)state;
    char *block = alloc(1000);
    size_t usable = heap_size(&heap, block);
    assert_int_equal(usable, 1024);
    assert_ptr_equal(heap_realloc(&heap, block, usable, false), block);
    assert_ptr_equal(heap_realloc(&heap, block, usable / 2, false), block);
    char *moved = heap_realloc(&heap, block, usable / 2 - 1, false);
    assert_ptr_not_equal(moved, block);
    assert_int_equal(heap_size(&heap, moved), 512);
    char *tiny = alloc(16);
    assert_ptr_equal(heap_realloc(&heap, tiny, 0, false), tiny);
}

static void realloc_forgets_alignment_that_nobody_asked_for(void **state)
{
    (void)state;
    char *block = alloc(4096);
    block = heap_realloc(&heap, block, 100, false);
    assert_int_equal(heap_size(&heap, block), 112);
}

static void a_large_block_shrinks_by_giving_back_its_tail(void **state)
{
    (void)state;
    unsigned char *block = alloc(MIB);
    tag_write(block, MIB, 9);
    assert_int_equal(host_heap_mapped, MIB);
    unsigned calls = host_heap_calls;
    assert_ptr_equal(heap_realloc(&heap, block, 100000, false), block);
    assert_int_equal(host_heap_mapped, 102400);
    assert_int_equal(heap_size(&heap, block), 102400);
    assert_ptr_equal(heap_realloc(&heap, block, 10, false), block);
    assert_int_equal(host_heap_mapped, 4096);
    assert_int_equal(host_heap_calls, calls);
    assert_true(tag_holds(block, 4096, MIB, 9));
    assert_sound();
    heap_free(&heap, block);
    assert_all_returned();
}

static void heap_fits_says_whether_realloc_would_stay(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 8, 20, 100, 600, 4096, 9000, 33000, 70000};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(sizes); j++) {
            char *block = alloc(sizes[i]);
            size_t usable = heap_size(&heap, block);
            bool fits = heap_fits(&heap, block, sizes[j]);
            assert_true(i != j || fits);
            char *moved = heap_realloc(&heap, block, sizes[j], false);
            assert_int_equal(fits, moved == block && heap_size(&heap, moved) == usable);
            heap_free(&heap, moved);
        }
    char *aligned = heap_alloc(&heap, 100, 4096, false);
    assert_true(heap_fits(&heap, aligned, 100));
}

static void heap_owns_only_starts_of_live_blocks(void **state)
{
    (void)state;
    char local;
    char *small = alloc(48), *other = alloc(48), *large = alloc(100000);
    assert_true(heap_owns(&heap, small) && heap_owns(&heap, large));
    assert_false(heap_owns(&heap, small + 16) || heap_owns(&heap, large + 4096));
    assert_false(heap_owns(&heap, NULL) || heap_owns(&heap, &local));
    assert_false(heap_owns(&heap, large + 102400));
    assert_false(heap_owns(&heap, container_of(heap.large, struct heap_record, node)));
    heap_free(&heap, small);
    heap_free(&heap, large);
    assert_false(heap_owns(&heap, small) || heap_owns(&heap, large));
    assert_true(heap_owns(&heap, other));
}

static void the_heap_does_not_write_into_blocks(void **state)
{
    (void)state;
    unsigned char *block = alloc(500), *other = alloc(500);
    tag_write(block, 512, 3);
    heap_free(&heap, block);
    assert_true(tag_holds(block, 512, 512, 3));
    assert_ptr_equal(alloc(500), block);
    assert_true(tag_holds(block, 512, 512, 3));
    heap_free(&heap, other);
}

/* --- the arena --- */

static void free_slices_are_reused_lowest_first_by_any_class(void **state)
{
    (void)state;
    char *blocks[20];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(HEAP_SMALL_MAX);
    for (size_t i = 4; i < 8; i++)
        heap_free(&heap, blocks[i]);
    assert_int_equal(heap.free_slices, 2);
    assert_ptr_equal(alloc(100), blocks[4]);
    assert_ptr_equal(alloc(3000), blocks[6]);
    assert_int_equal(heap.free_slices, 0);
    assert_int_equal(heap.slices, 10);
    assert_sound();
}

static void the_arena_shrinks_once_16_slices_at_its_end_are_free(void **state)
{
    (void)state;
    char *blocks[2 * 40];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(HEAP_SMALL_MAX);
    assert_int_equal(host_heap_arena_bytes, 40 * HEAP_SLICE_SIZE);
    for (size_t i = COUNT(blocks) - 1; i > 2 * 40 - 2 * 16; i--)
        heap_free(&heap, blocks[i]);
    assert_int_equal(host_heap_arena_bytes, 40 * HEAP_SLICE_SIZE);
    heap_free(&heap, blocks[2 * 40 - 2 * 16]);
    assert_int_equal(host_heap_arena_bytes, (40 - 16 + 4) * HEAP_SLICE_SIZE);
    assert_sound();
    for (size_t i = 0; i < 2 * 40 - 2 * 16; i++)
        heap_free(&heap, blocks[i]);
    assert_int_equal(host_heap_arena_bytes, 4 * HEAP_SLICE_SIZE);
    assert_all_returned();
    assert_ptr_equal(alloc(1), (void *)host_heap_arena);
}

static void an_arena_that_cannot_shrink_is_kept(void **state)
{
    (void)state;
    char *blocks[2 * 40];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(HEAP_SMALL_MAX);
    host_heap_fail(0, true);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heap_free(&heap, blocks[i]);
    assert_int_equal(host_heap_arena_bytes, 40 * HEAP_SLICE_SIZE);
    assert_all_returned();
    char *block = alloc(10);
    host_heap_fail_never();
    heap_free(&heap, block);
    assert_int_equal(host_heap_arena_bytes, 4 * HEAP_SLICE_SIZE);
    assert_all_returned();
}

static void a_hundred_megabytes_come_and_go(void **state)
{
    (void)state;
    enum { BLOCKS = 100 << 10 };
    char **blocks = calloc(BLOCKS, sizeof *blocks);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = alloc(1024);
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(&heap, blocks[i * 7919 % BLOCKS]);
    assert_all_returned();
    free(blocks);
}

/* --- misuse --- */

static const char *text(const char *format, ...)
{
    static char buffer[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

static void every_call_refuses(void *pointer, const char *part)
{
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%p %s", pointer, part);
    expect_panic(heap_free(&heap, pointer), sentence);
    expect_panic(heap_size(&heap, pointer), sentence);
    expect_panic(heap_fits(&heap, pointer, 1), sentence);
    if (pointer != NULL)
        expect_panic(heap_realloc(&heap, pointer, 100, false), sentence);
    assert_sound();
}

static void double_free_small(void **state)
{
    (void)state;
    char *block = alloc(40);
    alloc(40);
    heap_free(&heap, block);
    every_call_refuses(block, "is already free, a block of 48 bytes");
}

static void double_free_small_not_the_last_freed(void **state)
{
    (void)state;
    char *blocks[10];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(40);
    for (size_t i = 1; i < COUNT(blocks); i++)
        heap_free(&heap, blocks[i]);
    for (size_t i = 1; i < COUNT(blocks); i++)
        every_call_refuses(blocks[i], "is already free");
}

static void double_free_of_the_last_block_of_a_slab(void **state)
{
    (void)state;
    char *block = alloc(40);
    heap_free(&heap, block);
    every_call_refuses(block, "is already free, as is all of its slab");
}

static void double_free_behind_the_shrunk_arena(void **state)
{
    (void)state;
    char *blocks[2 * 40];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(HEAP_SMALL_MAX);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heap_free(&heap, blocks[i]);
    every_call_refuses(blocks[COUNT(blocks) - 1], "is not a heap pointer");
}

static void double_free_large(void **state)
{
    (void)state;
    char *block = alloc(100000);
    heap_free(&heap, block);
    every_call_refuses(block, "is not a heap pointer, or its block is already free and unmapped");
}

static void pointer_into_a_small_block(void **state)
{
    (void)state;
    char *block = alloc(40), *freed = alloc(40);
    every_call_refuses(block + 24,
                       text("points 24 bytes into a live block of 48 bytes at %p", (void *)block));
    every_call_refuses(block + 1, "points 1 bytes into a live block of 48 bytes");
    heap_free(&heap, freed);
    every_call_refuses(freed + 16,
                       text("points 16 bytes into a free block of 48 bytes at %p", (void *)freed));
}

static void pointer_into_a_large_block(void **state)
{
    (void)state;
    char *block = alloc(100000);
    every_call_refuses(
        block + 4096,
        text("points 4096 bytes into a live block of 102400 bytes at %p", (void *)block));
    every_call_refuses(block + 102400, "is not a heap pointer");
    heap_realloc(&heap, block, 50000, false);
    every_call_refuses(block + 53248, "is not a heap pointer");
}

static void pointer_behind_the_last_block_of_a_slab(void **state)
{
    (void)state;
    char *block = alloc(28672);
    every_call_refuses(block + 2 * 28672,
                       "lies behind the last block of a slab of 28672-byte blocks");
}

static void pointer_to_a_record(void **state)
{
    (void)state;
    alloc(100000);
    every_call_refuses(heap.large, "lies among the heap's own records");
}

static void foreign_pointers(void **state)
{
    (void)state;
    static char global;
    char local, *other = malloc(10);
    alloc(10);
    char *const pointers[] = {&global,
                              &local,
                              other,
                              (char *)&heap,
                              (char *)host_heap_table,
                              (char *)host_heap_arena - 16,
                              (char *)host_heap_arena + HEAP_SLICE_SIZE,
                              (char *)16,
                              (char *)UINTPTR_MAX};
    for (size_t i = 0; i < COUNT(pointers); i++)
        every_call_refuses(pointers[i], "is not a heap pointer");
    expect_panic(heap_size(&heap, NULL), "is not a heap pointer");
    expect_panic(heap_fits(&heap, NULL, 0), "is not a heap pointer");
    free(other);
}

static void pointers_to_an_empty_heap(void **state)
{
    (void)state;
    every_call_refuses((char *)host_heap_arena, "is not a heap pointer");
}

static void alignments_that_are_no_power_of_two(void **state)
{
    (void)state;
    expect_panic(heap_alloc(&heap, 10, 24, false), "24 is not an alignment");
    expect_panic(heap_alloc(&heap, 10, SIZE_MAX, false), "is not an alignment");
    assert_int_equal(host_heap_calls, 0);
}

/* --- HEAP_DEBUG --- */

static void debug_fills_blocks(void **state)
{
    (void)state;
    char *block = alloc(500), *large = alloc(100000);
    alloc(500);
    assert_true(all_bytes(block, 512, 0xa5));
    assert_true(all_bytes(large, 102400, 0xa5));
    heap_free(&heap, block);
    assert_true(all_bytes(block, 512, 0xdd));
    assert_ptr_equal(alloc(500), block);
    assert_true(all_bytes(block, 512, 0xa5));
}

static void debug_sees_a_write_after_free_at_reuse(void **state)
{
    (void)state;
    char *block = alloc(500);
    alloc(500);
    heap_free(&heap, block);
    block[511] = 1;
    const char *sentence =
        text("%p was written while free: byte 511 of the block of 512 bytes at %p",
             (void *)(block + 511), (void *)block);
    expect_panic(alloc(500), sentence);
}

static void debug_sees_a_write_after_free_into_a_slice_of_another_class(void **state)
{
    (void)state;
    char *block = alloc(500);
    heap_free(&heap, block);
    block[5] = 1;
    expect_panic(alloc(20000), "was written while free: byte 5 of the block of 20480 bytes");
}

/* --- random operations against a model --- */

enum { SLOTS = 700, OPERATIONS = 150000 };

static struct slot {
    unsigned char *block;
    size_t size;
    size_t align;
    uint32_t tag;
} slots[SLOTS];

/* {TOGGLE, {slot, size, log2 of the alignment, zeroed}} allocates if the slot is empty and frees if
 * not; {RESIZE, {slot, size, zeroed}} needs a full one. */
enum { TOGGLE, RESIZE };
static const char *const kinds[] = {"TOGGLE", "RESIZE"};

static size_t random_size(struct random *dice)
{
    uint64_t log2 = random_below(dice, random_once_in(dice, 8) ? 19 : 13);
    return random_below(dice, (uint64_t)1 << log2) + ((uint64_t)1 << log2) - 1;
}

/* 0 if none is asked for. */
static uint64_t random_align_log2(struct random *dice)
{
    if (!random_once_in(dice, 4))
        return 0;
    return random_below(dice, random_once_in(dice, 16) ? 21 : 14);
}

static struct shrink_op make_operation(struct random *dice, uint64_t step)
{
    uint64_t slot = random_below(dice, SLOTS), size = random_size(dice);
    (void)step;
    if (random_once_in(dice, 6))
        return (struct shrink_op){RESIZE, {slot, size, random_below(dice, 2)}};
    return (struct shrink_op){TOGGLE,
                              {slot, size, random_align_log2(dice), random_once_in(dice, 4)}};
}

static void slot_check(const struct slot *slot)
{
    assert_true(bits_is_aligned((uintptr_t)slot->block, slot->align < 16 ? 16 : slot->align));
    assert_true(heap_size(&heap, slot->block) >= slot->size);
    assert_true(tag_holds(slot->block, slot->size, slot->size, slot->tag));
}

static void slot_alloc(struct slot *slot, size_t size, size_t align, bool zero)
{
    static uint32_t tags;
    *slot = (struct slot){NULL, size, align, ++tags};
    slot->block = heap_alloc(&heap, size, align, zero);
    assert_non_null(slot->block);
    if (zero)
        assert_true(all_bytes(slot->block, heap_size(&heap, slot->block), 0));
    tag_write(slot->block, slot->size, slot->tag);
}

static void slot_realloc(struct slot *slot, size_t size, bool zero)
{
    size_t kept = size < slot->size ? size : slot->size;
    unsigned char *block = heap_realloc(&heap, slot->block, size, zero);
    assert_non_null(block);
    assert_true(tag_holds(block, kept, slot->size, slot->tag));
    slot->block = block;
    slot->size = size;
    tag_write(block, size, slot->tag);
}

static void slot_free(struct slot *slot)
{
    slot_check(slot);
    heap_free(&heap, slot->block);
    assert_false(heap_owns(&heap, slot->block));
    slot->block = NULL;
}

static void apply_operation(const struct shrink_op *op)
{
    struct slot *slot = &slots[op->with[0]];
    if (op->what == RESIZE && slot->block != NULL)
        slot_realloc(slot, op->with[1], op->with[2] != 0);
    else if (op->what == TOGGLE && slot->block != NULL)
        slot_free(slot);
    else if (op->what == TOGGLE)
        slot_alloc(slot, op->with[1], (size_t)1 << op->with[2], op->with[3] != 0);
}

static uint64_t slots_live(void)
{
    uint64_t live = 0;
    for (size_t i = 0; i < SLOTS; i++)
        live += slots[i].block != NULL;
    return live;
}

/* Live objects of callers: each large block has a record, which is an object, too. */
static uint64_t heap_live(void)
{
    return in_use().live;
}

static void check_slots(void)
{
    assert_sound();
    assert_int_equal(heap_live(), slots_live());
}

static void free_all_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].block != NULL)
            slot_free(&slots[i]);
    assert_all_returned();
}

static const struct shrink_test operations = {
    .name = "operations",
    .kinds = kinds,
    .make = make_operation,
    .apply = apply_operation,
    .check = check_slots,
    .check_every = 5000,
    .finish = free_all_slots,
};

static void random_operations_agree_with_a_naive_model(void **state)
{
    (void)state;
    shrink_random(&operations, random_steps(OPERATIONS));
}

/* --- a port that fails --- */

enum { SCRIPT_SLOTS = 12 };

struct step {
    enum { ALLOC, ALLOC_MANY, REALLOC, FREE } action;
    unsigned slot;
    size_t size;
    size_t align;
};

/* Makes slabs of several classes, records, aligned and plain mappings; moves blocks between them.
 */
static const struct step script[] = {
    {ALLOC, 0, 40, 0},         {ALLOC, 1, 100000, 0},    {ALLOC, 2, 32768, 0},
    {ALLOC, 3, 32768, 0},      {ALLOC, 4, 32768, 0},     {ALLOC, 5, 1, MIB},
    {REALLOC, 0, 300, 0},      {REALLOC, 0, 70000, 0},   {REALLOC, 1, 200000, 0},
    {REALLOC, 1, 50000, 0},    {FREE, 3, 0, 0},          {FREE, 2, 0, 0},
    {ALLOC, 6, 5000, 4096},    {REALLOC, 6, 40000, 0},   {REALLOC, 5, 9000, 0},
    {ALLOC_MANY, 7, 30000, 0}, {REALLOC, 6, 100, 0},     {FREE, 1, 0, 0},
    {ALLOC, 8, 1000, 0},       {REALLOC, 8, 100, 0},     {FREE, 4, 0, 0},
    {FREE, 7, 0, 0},           {ALLOC, 9, 33000, 8192},  {REALLOC, 9, 33001, 0},
    {ALLOC, 10, 500000, 0},    {REALLOC, 10, 600000, 0}, {FREE, 0, 0, 0},
    {ALLOC, 11, 16, 16384},    {REALLOC, 11, 32768, 0},  {FREE, 5, 0, 0},
};

/* A call that returned NULL must have changed nothing. */
static unsigned char *unless_failed(unsigned char *block, struct in_use before)
{
    if (block == NULL)
        assert_same_use(in_use(), before);
    return block;
}

static void step_alloc(struct slot *slot, const struct step *step)
{
    struct in_use before = in_use();
    *slot = (struct slot){NULL, step->size, step->align, step->slot + 1};
    slot->block = unless_failed(heap_alloc(&heap, step->size, step->align, false), before);
    if (slot->block != NULL)
        tag_write(slot->block, slot->size, slot->tag);
}

static void step_realloc(struct slot *slot, const struct step *step)
{
    struct in_use before = in_use();
    unsigned char *block =
        unless_failed(heap_realloc(&heap, slot->block, step->size, false), before);
    if (block == NULL) {
        if (slot->block != NULL)
            slot_check(slot);
        return;
    }
    size_t kept = slot->block == NULL ? 0 : slot->size < step->size ? slot->size : step->size;
    assert_true(tag_holds(block, kept, slot->size, slot->tag));
    if (slot->block == NULL)
        slot->align = 0;
    slot->block = block;
    slot->size = step->size;
    tag_write(block, slot->size, slot->tag);
}

/* Fills 40 slabs and empties them, so that the arena grows and shrinks. */
static void step_alloc_many(const struct step *step)
{
    char *blocks[2 * 40];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = heap_alloc(&heap, step->size, step->align, false);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heap_free(&heap, blocks[i]);
}

static void run_step(const struct step *step)
{
    struct slot *slot = &slots[step->slot];
    switch (step->action) {
    case ALLOC:
        step_alloc(slot, step);
        break;
    case ALLOC_MANY:
        step_alloc_many(step);
        break;
    case REALLOC:
        step_realloc(slot, step);
        break;
    case FREE:
        heap_free(&heap, slot->block);
        slot->block = NULL;
        break;
    }
    if (step->action != ALLOC_MANY && slot->block != NULL)
        slot_check(slot);
}

static void run_script(void)
{
    for (size_t i = 0; i < COUNT(script); i++) {
        run_step(&script[i]);
        assert_sound();
    }
    for (size_t i = 0; i < SCRIPT_SLOTS; i++) {
        if (slots[i].block != NULL)
            slot_free(&slots[i]);
        slots[i] = (struct slot){0};
    }
    assert_all_returned();
}

static void fail_at_every_call(bool onwards)
{
    void *state = NULL;
    run_script();
    unsigned calls = host_heap_calls;
    assert_true(calls > 40);
    for (unsigned call = 0; call < calls; call++) {
        start_over(&state);
        host_heap_fail(call, onwards);
        run_script();
        assert_true(host_heap_calls > call);
    }
}

static void a_port_that_fails_once_at_any_call_loses_nothing(void **state)
{
    (void)state;
    fail_at_every_call(false);
}

static void a_port_that_fails_from_any_call_on_loses_nothing(void **state)
{
    (void)state;
    fail_at_every_call(true);
}

static void exhaustion_leaves_all_blocks_usable(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        slots[i] = (struct slot){NULL, 30 + i * 11, 0, (uint32_t)i};
        slots[i].block = alloc(slots[i].size);
        tag_write(slots[i].block, slots[i].size, slots[i].tag);
    }
    host_heap_fail(0, true);
    while (heap_alloc(&heap, 100, 0, false) != NULL)
        ;
    assert_null(heap_alloc(&heap, 100000, 0, false));
    for (size_t i = 0; i < 100; i++) {
        assert_null(heap_realloc(&heap, slots[i].block, 100000, false));
        slot_free(&slots[i]);
    }
    assert_sound();
    assert_non_null(alloc(31));
}

/* --- the checker --- */

static char sentences[8192];

static void collect(const char *sentence)
{
    size_t used = strlen(sentences);
    snprintf(sentences + used, sizeof sentences - used, "%s\n", sentence);
}

static void assert_says(const char *part)
{
    sentences[0] = 0;
    size_t violations = heap_check(&heap, collect);
    if (violations == 0 || strstr(sentences, part) == NULL)
        fail_msg("the checker says \"%s\"; expected \"%s\"", sentences, part);
}

/* Sees the sentence when `object` is `value`, and none when it is what it was. */
#define damage(object, value, part)      \
    do {                                 \
        typeof(object) whole = (object); \
        (object) = (value);              \
        assert_says(part);               \
        (object) = whole;                \
        assert_sound();                  \
    } while (0)

/* Slice 0: a slab of class 2 with 100 of its 1365 blocks in use. */
static struct heap_slice *some_slab(void)
{
    for (size_t i = 0; i < 100; i++)
        alloc(48);
    return heap_slice_at(0);
}

static void heap_check_sees_damaged_slabs(void **state)
{
    (void)state;
    struct heap_slice *slab = some_slab();
    damage(slab->used, 99, "slab 0 counts 99 objects in use, its map has 100");
    damage(slab->map[0], 1, "slab 0 counts 100 objects in use, its map has 37");
    damage(slab->map[63], 1, "slab 0 has objects in use behind its last one");
    damage(slab->hint, 2, "slab 0 has a free object below its hint");
    damage(slab->hint, UINT32_MAX, "slab 0 has a free object below its hint");
    damage(slab->class, 53, "slab 0 has class 53, which does not exist");
    damage(slab->class, 3, "class 2 counts 1 slabs, there are 0");
    damage(slab->align, 24, "slab 0 of class 2 cannot have alignment 24");
    damage(slab->align, 8, "slab 0 of class 2 cannot have alignment 8");
    damage(slab->align, 32, "slab 0 of class 2 cannot have alignment 32");
}

static void heap_check_sees_damaged_counts(void **state)
{
    (void)state;
    some_slab();
    damage(heap.classes[2].slabs, 2, "class 2 counts 2 slabs, there are 1");
    damage(heap.classes[2].live, 101, "class 2 counts 101 objects in use, its slabs have 100");
    damage(heap.free_slices, 1, "1 slices are counted free, there are 0");
    damage(heap.table_bytes, 500, "1 slices do not fit the table of 500 bytes");
    char *other = alloc(100);
    alloc(1000);
    heap_free(&heap, other);
    damage(heap.first_free, 2, "slice 1 is free, below the first free, 2");
}

static void heap_check_sees_damaged_lists(void **state)
{
    (void)state;
    struct heap_slice *slab = some_slab();
    struct list *head = &heap.classes[2].partial;
    damage(slab->link.next, &slab->link, "the list of class 2 is broken at slab 0");
    damage(slab->link.next, slab->link.next + 1, "which is no slab");
    damage(slab->link.next, NULL, "which is no slab");
    damage(slab->link.prev, &slab->link, "the list of class 2 is broken at slab 0");
    damage(head->prev, head, "the list of class 2 does not end where it should");
    damage(*head, ((struct list){head, head}), "class 2 lists 0 slabs with room, there are 1");
    struct list *wrong = &heap.classes[3].partial;
    list_remove(&slab->link);
    list_push_front(wrong, &slab->link);
    assert_says("slab 0 is in the list of class 3 but is not of that class");
    list_remove(&slab->link);
    list_push_front(head, &slab->link);
    assert_sound();
}

static void heap_check_sees_damaged_large_blocks(void **state)
{
    (void)state;
    alloc(100000);
    struct heap_record *record = container_of(heap.large, struct heap_record, node);
    damage(record->bytes, 102401, "has 102401 bytes, not whole pages");
    damage(record->bytes, 0, "has 0 bytes, not whole pages");
    damage(record->align, MIB * MIB, "is not aligned to 1099511627776");
    damage(record->align, 0, "is not aligned to 0");
    damage(record->node.key, host_heap_arena, "overlaps the arena");
    damage(record->node.height, 2, "the tree of large blocks is not sound");
    damage(heap.large_count, 2, "2 large blocks are counted, there are 1");
    damage(heap.large_bytes, 4096, "large blocks count 4096 bytes, they have 102400");
    damage(heap.classes[HEAP_RECORDS].live, 3, "3 records serve 1 large blocks");
    damage(heap.large, NULL, "1 large blocks are counted, there are 0");
}

static void heap_check_sees_overlapping_large_blocks(void **state)
{
    (void)state;
    char *blocks[3];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(100000);
    assert_non_null(blocks[0]);
    struct tree_node *lowest = tree_at_or_above(heap.large, 0);
    struct heap_record *record = container_of(lowest, struct heap_record, node);
    damage(record->bytes, (size_t)1 << 46, "overlaps the next");
}

static void heap_check_sees_a_record_outside_its_slabs(void **state)
{
    (void)state;
    struct heap_record record = {{.key = 4096}, .bytes = 4096, .align = 16};
    tree_insert(&heap.large, &record.node);
    assert_says("the large block at 0x1000 has a record that is in no slab of records");
    tree_remove(&heap.large, &record.node);
    assert_sound();
}

static void heap_check_sees_writes_to_free_memory(void **state)
{
    (void)state;
    unsigned char *block = alloc(28672), *freed = alloc(28672), *other = alloc(100);
    alloc(1000);
    heap_free(&heap, freed);
    heap_free(&heap, other);
    damage(freed[28671], 0, text("free memory at %p was written", (void *)(freed + 28671)));
    damage(block[65535], 0, text("free memory at %p was written", (void *)(block + 65535)));
    damage(other[100], 0, text("free memory at %p was written", (void *)(other + 100)));
}

#define TEST(function) cmocka_unit_test_setup(function, start_over)

static const struct CMUnitTest tests[] = {
    TEST(heap_init_asks_nothing_of_its_port),
    TEST(every_small_size_has_a_close_class),
    TEST(powers_of_two_are_aligned_to_their_size),
    TEST(size_zero_gives_distinct_blocks),
    TEST(absurd_sizes_return_null),
    TEST(free_of_null_does_nothing),
    TEST(realloc_of_null_allocates),
    TEST(zeroed_blocks_are_zero_to_their_last_usable_byte),
    TEST(every_alignment_up_to_1m_is_kept),
    TEST(small_aligned_blocks_are_not_mappings),
    TEST(realloc_keeps_contents_and_alignment_in_all_directions),
    TEST(realloc_stays_in_place_where_the_block_fits),
    TEST(realloc_forgets_alignment_that_nobody_asked_for),
    TEST(a_large_block_shrinks_by_giving_back_its_tail),
    TEST(heap_fits_says_whether_realloc_would_stay),
    TEST(heap_owns_only_starts_of_live_blocks),
    TEST(free_slices_are_reused_lowest_first_by_any_class),
    TEST(the_arena_shrinks_once_16_slices_at_its_end_are_free),
    TEST(an_arena_that_cannot_shrink_is_kept),
    TEST(a_hundred_megabytes_come_and_go),
    TEST(double_free_small),
    TEST(double_free_small_not_the_last_freed),
    TEST(double_free_of_the_last_block_of_a_slab),
    TEST(double_free_behind_the_shrunk_arena),
    TEST(double_free_large),
    TEST(pointer_into_a_small_block),
    TEST(pointer_into_a_large_block),
    TEST(pointer_behind_the_last_block_of_a_slab),
    TEST(pointer_to_a_record),
    TEST(foreign_pointers),
    TEST(pointers_to_an_empty_heap),
    TEST(alignments_that_are_no_power_of_two),
    TEST(random_operations_agree_with_a_naive_model),
    TEST(a_port_that_fails_once_at_any_call_loses_nothing),
    TEST(a_port_that_fails_from_any_call_on_loses_nothing),
    TEST(exhaustion_leaves_all_blocks_usable),
    TEST(heap_check_sees_damaged_slabs),
    TEST(heap_check_sees_damaged_counts),
    TEST(heap_check_sees_damaged_lists),
    TEST(heap_check_sees_damaged_large_blocks),
    TEST(heap_check_sees_overlapping_large_blocks),
    TEST(heap_check_sees_a_record_outside_its_slabs),
};

static const struct CMUnitTest release_tests[] = {
    TEST(the_heap_does_not_write_into_blocks),
};

static const struct CMUnitTest debug_tests[] = {
    TEST(debug_fills_blocks),
    TEST(debug_sees_a_write_after_free_at_reuse),
    TEST(debug_sees_a_write_after_free_into_a_slice_of_another_class),
    TEST(heap_check_sees_writes_to_free_memory),
};

int main(void)
{
    int failed = cmocka_run_group_tests_name("heap", tests, NULL, NULL) +
                 cmocka_run_group_tests_name("heap, release only", release_tests, NULL, NULL);
    host_heap_debug = true;
    return failed + cmocka_run_group_tests_name("heap, HEAP_DEBUG", tests, NULL, NULL) +
           cmocka_run_group_tests_name("heap, HEAP_DEBUG only", debug_tests, NULL, NULL);
}

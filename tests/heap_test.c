/* SPDX-License-Identifier: MIT */
/*
 * The heap: its contract, every misuse, random operations against a naive model, a port that fails
 * at every call, memory given back, and a checker that sees every damage. All of it over a port
 * that has to be asked for memory and over one that has not, and in checked builds.
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
#include "lib/alloc/heap_class.h"
#include "lib/alloc/heap_huge.h"
#include "lib/alloc/heap_slab.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "tests/host/expect.h"
#include "tests/host/shrink.h"
#include "tests/host/told.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define HUGE ((size_t)MIB) /* host_heap_huge_min */

static struct heap_world world;
static struct heap heap, other; /* other: a second owner */

static void start_in(size_t reserve, size_t offset)
{
    host_heap_start(&world, 0, reserve, offset);
    heap_init(&heap, &world);
    heap_init(&other, &world);
}

static int start_over(void **state)
{
    (void)state;
    start_in(4 * GIB, 0);
    return 0;
}

static void *take(size_t size, size_t align, bool zero)
{
    if (zero)
        return heap_alloc_zeroed(&heap, size);
    return align == 0 ? heap_alloc(&heap, size) : heap_alloc_aligned(&heap, size, align);
}

static void *alloc(size_t size)
{
    void *block = heap_alloc(&heap, size);
    assert_non_null(block);
    return block;
}

static void print_sentence(const char *sentence)
{
    print_error("heap_check: %s\n", sentence);
}

static void assert_sound(void)
{
    assert_int_equal(heap_check(&world, print_sentence), 0);
}

/* What is in use, whatever the heap holds in reserve. */
struct in_use {
    uint64_t objects, runs, run_bytes, huge, huge_bytes;
};

/* Objects that wait in lists of heaps go back to their slabs for that. */
static struct in_use in_use(void)
{
    struct heap_stats stats;
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        heap_slab_unload(&heap, i);
        heap_slab_unload(&other, i);
    }
    heap_collect(&heap);
    heap_collect(&other);
    heap_collect(&heap);
    heap_stats(&world, &stats);
    struct in_use sum = {0, stats.runs, stats.run_bytes, stats.huge, stats.huge_bytes};
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        sum.objects += stats.classes[i].used;
    return sum;
}

static void assert_same_use(struct in_use a, struct in_use b)
{
    assert_int_equal(a.objects, b.objects);
    assert_int_equal(a.runs, b.runs);
    assert_int_equal(a.run_bytes, b.run_bytes);
    assert_int_equal(a.huge, b.huge);
    assert_int_equal(a.huge_bytes, b.huge_bytes);
}

/* Nothing is in use, and all memory can be given back but that for records. */
static void assert_all_returned(void)
{
    struct heap_stats stats;
    assert_sound();
    assert_same_use(in_use(), (struct in_use){0});
    heap_trim(&heap);
    heap_trim(&other);
    heap_stats(&world, &stats);
    assert_int_equal(stats.free_bytes, stats.arena_bytes);
    assert_int_equal(stats.dirty_bytes, 0);
    assert_int_equal(stats.taken, host_heap_mapped);
    assert_int_equal(stats.taken, world.record_bytes);
    assert_sound();
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
        size_t usable = heap_class_size(heap_slice_of(&world, (uintptr_t)block)->size_class);
        heap_free(&heap, block);
        assert_true(usable >= size && usable >= before);
        if (!HEAP_CHECKED)
            assert_true(usable - size < (size <= 256    ? 17
                                         : size <= 1024 ? size / 8 + 1
                                                        : size / 4 + 1));
        distinct += usable != before;
        before = usable;
        if (heap_class_size(HEAP_CLASSES - 1) - size == (HEAP_CHECKED ? 8 : 0))
            break;
    }
    assert_int_equal(distinct, HEAP_CLASSES);
    assert_int_equal(before, HEAP_SMALL_MAX);
    assert_all_returned();
}

static void powers_of_two_are_aligned_to_their_size(void **state)
{
    (void)state;
    if (HEAP_CHECKED)
        return; /* their trailers take them to other classes */
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
    void *c = take(0, MIB, false);
    assert_non_null(c);
    assert_true(heap_owns(&world, a) && heap_owns(&world, b) && heap_owns(&world, c));
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
        assert_null(take(sizes[i], 0, true));
        assert_null(take(sizes[i], MIB, false));
        assert_null(heap_realloc(&heap, block, sizes[i]));
        assert_null(heap_realloc(&heap, large, sizes[i]));
    }
    assert_null(take(1, (size_t)1 << 63, false));
    assert_int_equal(host_heap_calls, calls);
    assert_null(take((size_t)1 << 46, 0, false));
    assert_null(take(1, (size_t)1 << 45, false));
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
    void *block = heap_realloc(&heap, NULL, 100);
    assert_non_null(block);
    heap_free(&heap, block);
    assert_all_returned();
}

static void zeroed_blocks_are_zero_to_their_last_usable_byte(void **state)
{
    (void)state;
    for (size_t size = 1; size < 200000; size += size / 3 + 1) {
        void *block = alloc(size);
        memset(block, 0x77, heap_size(&world, block));
        heap_free(&heap, block);
        block = take(size, 0, true);
        assert_true(all_bytes(block, heap_size(&world, block), 0));
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
            void *block = take(sizes[i], align, false);
            assert_non_null(block);
            assert_true(bits_is_aligned((uintptr_t)block, align < 16 ? 16 : align));
            assert_true(heap_size(&world, block) >= sizes[i]);
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
        assert_non_null(take(20, align, false));
    assert_int_equal(in_use().runs, 0);
}

static void realloc_once(size_t from, size_t to, size_t align)
{
    unsigned char *block = take(from, align, false);
    assert_non_null(block);
    tag_write(block, from, 5);
    unsigned char *moved = heap_realloc(&heap, block, to);
    assert_non_null(moved);
    size_t kept = from < to ? from : to;
    assert_true(heap_size(&world, moved) >= to);
    assert_true(bits_is_aligned((uintptr_t)moved, align));
    assert_true(tag_holds(moved, kept, from, 5));
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
            for (size_t j = 0; j < COUNT(sizes); j++)
                realloc_once(sizes[i], sizes[j], aligns[a]);
        assert_all_returned();
    }
}

static void realloc_stays_in_place_where_the_block_fits(void **state)
{
    (void)state;
    char *block = alloc(1000);
    assert_ptr_equal(heap_realloc(&heap, block, 1016), block);
    assert_ptr_equal(heap_realloc(&heap, block, 512), block);
    char *moved = heap_realloc(&heap, block, 480);
    assert_ptr_not_equal(moved, block);
    assert_int_equal(heap_size(&world, moved), 480);
    char *tiny = alloc(8);
    assert_ptr_equal(heap_realloc(&heap, tiny, 0), tiny);
}

static void realloc_forgets_alignment_that_nobody_asked_for(void **state)
{
    (void)state;
    char *block = alloc(4096);
    block = heap_realloc(&heap, block, 100);
    assert_true(heap_size(&world, block) <= 112);
}

/* --- runs and huge blocks --- */

static struct heap_slice *slice_of(const void *block)
{
    return heap_slice_of(&world, (uintptr_t)block);
}

static void a_run_grows_and_shrinks_in_place(void **state)
{
    (void)state;
    unsigned char *block = alloc(100000);
    tag_write(block, 100000, 9);
    assert_ptr_equal(heap_realloc(&heap, block, 120000), block);
    assert_true(HEAP_HARDEN || heap_realloc(&heap, block, 700000) == block);
    assert_ptr_equal(heap_realloc(&heap, block, 120000), block);
    assert_true(tag_holds(block, 100000, 100000, 9));
    assert_sound();
    unsigned char *small = heap_realloc(&heap, block, 1000);
    assert_ptr_not_equal(small, block);
    heap_free(&heap, small);
    assert_all_returned();
}

static void the_last_run_of_the_arena_grows_with_it(void **state)
{
    (void)state;
    char *block = alloc(900000);
    size_t arena = world.end - world.arena;
    assert_ptr_equal(heap_realloc(&heap, block, 2 * arena), block);
    assert_sound();
    heap_free(&heap, block);
    assert_all_returned();
}

static void the_fullest_slab_that_is_worth_it_is_used_first(void **state)
{
    (void)state;
    enum { SLABS = 4, EACH = 64 };
    char *blocks[SLABS * EACH];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(1024);
    const size_t freed[] = {40, 8, 20, 0}; /* of each slab: the last is in use */
    for (size_t slab = 0; slab < SLABS; slab++)
        for (size_t i = 0; i < freed[slab]; i++)
            heap_free(&heap, blocks[slab * EACH + i]);
    char *block = alloc(1024);
    assert_ptr_equal(slice_of(block), slice_of(blocks[EACH]));
    assert_sound();
}

static void a_run_made_by_realloc_leaves_room_behind(void **state)
{
    (void)state;
    char *gap = alloc(40000), *fence = alloc(40000);
    unsigned char *block = heap_realloc(&heap, alloc(20000), 200000);
    heap_free(&heap, gap);
    char *between = alloc(40000);
    assert_ptr_equal(between, gap);
    if (!HEAP_HARDEN)
        assert_ptr_equal(heap_realloc(&heap, block, 390000), block);
    heap_free(&heap, fence);
    heap_free(&heap, block);
    heap_free(&heap, between);
    assert_all_returned();
}

static void the_smallest_run_that_fits_is_taken_and_the_lowest_of_these(void **state)
{
    (void)state;
    char *blocks[9];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc((i % 2 == 0 ? 4 : 1 + i / 2) * HEAP_SLICE_SIZE);
    for (size_t i = 1; i < COUNT(blocks); i += 2)
        heap_free(&heap, blocks[i]); /* gaps of 1, 2, 3, 4 slices */
    assert_ptr_equal(alloc(3 * HEAP_SLICE_SIZE), blocks[5]);
    assert_ptr_equal(alloc(HEAP_SLICE_SIZE), blocks[1]);
    assert_ptr_equal(alloc(HEAP_SLICE_SIZE), blocks[3]);
    assert_ptr_equal(alloc(HEAP_SLICE_SIZE), blocks[3] + HEAP_SLICE_SIZE);
    assert_sound();
}

static void huge_blocks_are_mappings_that_are_resized_as_such(void **state)
{
    (void)state;
    unsigned char *block = alloc(3 * HUGE);
    size_t records = world.record_bytes;
    assert_null(slice_of(block));
    assert_int_equal(host_heap_mapped, 3 * HUGE + records);
    tag_write(block, 3 * HUGE, 9);
    assert_ptr_equal(heap_realloc(&heap, block, 2 * HUGE), block);
    assert_int_equal(host_heap_mapped, 2 * HUGE + records);
    block = heap_realloc(&heap, block, 20 * HUGE);
    assert_int_equal(host_heap_mapped, 20 * HUGE + records);
    assert_true(tag_holds(block, 2 * HUGE - PAGE_SIZE, 3 * HUGE, 9));
    assert_sound();
    heap_free(&heap, block);
    assert_all_returned();
}

static void aligned_huge_blocks_stay_aligned(void **state)
{
    (void)state;
    char *block = take(HUGE, 8 * MIB, false);
    block = heap_realloc(&heap, block, 30 * HUGE);
    assert_true(bits_is_aligned((uintptr_t)block, 8 * MIB));
    heap_free(&heap, block);
    assert_all_returned();
}

static void an_arena_that_is_full_continues_in_mappings(void **state)
{
    (void)state;
    start_in(MIB, 0);
    char *blocks[40];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(90000);
    assert_true(in_use().huge >= 32);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heap_free(&heap, blocks[i]);
    assert_all_returned();
}

static void without_mappings_huge_blocks_are_runs(void **state)
{
    (void)state;
    heap_free(&heap, alloc(4 * HUGE)); /* the arena is large enough now, and there are records */
    char *run[5];
    for (size_t i = 0; i < COUNT(run); i++)
        run[i] = alloc(HUGE - PAGE_SIZE);
    for (size_t i = 0; i < COUNT(run); i++)
        heap_free(&heap, run[i]);
    host_heap_fail(0, true);
    char *block = host_heap_commits ? NULL : alloc(2 * HUGE);
    host_heap_fail_never();
    assert_true(block == NULL || slice_of(block) != NULL);
    heap_free(&heap, block);
    assert_all_returned();
}

static void an_arena_may_start_at_any_slice_and_fill_its_window(void **state)
{
    (void)state;
    for (size_t offset = 1; offset < 16; offset += 4) {
        start_in(MIB, offset);
        char *blocks[32];
        for (size_t i = 0; i < COUNT(blocks); i++) {
            blocks[i] = alloc(HEAP_SMALL_MAX - 8);
            memset(blocks[i], (int)i, HEAP_SMALL_MAX - 8);
        }
        assert_null(heap_alloc(&heap, HEAP_SMALL_MAX - 8));
        assert_sound();
        for (size_t i = 0; i < COUNT(blocks); i++) {
            assert_true(all_bytes(blocks[i], HEAP_SMALL_MAX - 8, (unsigned char)i));
            heap_free(&heap, blocks[i]);
        }
        assert_all_returned();
    }
}

static void worlds_live_side_by_side(void **state)
{
    (void)state;
    static struct heap_world second;
    static struct heap tenant;
    host_heap_start(&second, 1, GIB, 0);
    heap_init(&tenant, &second);
    char *a = alloc(100), *b = heap_alloc(&tenant, 100);
    assert_true(heap_owns(&world, a) && heap_owns(&second, b));
    assert_false(heap_owns(&world, b) || heap_owns(&second, a));
    expect_panic(heap_free(&heap, b), "is not a heap pointer");
    heap_free(&tenant, b);
    heap_free(&heap, a);
    assert_int_equal(heap_check(&second, print_sentence), 0);
    assert_all_returned();
}

static void a_cap_is_never_exceeded(void **state)
{
    (void)state;
    heap_set_cap(&world, MIB);
    void *list = NULL;
    for (void **block = heap_alloc(&heap, 1000); block != NULL; block = heap_alloc(&heap, 1000)) {
        *block = list;
        list = block;
    }
    assert_true(heap_taken(&world) <= MIB && heap_taken(&world) > MIB - 16 * PAGE_SIZE);
    assert_null(heap_alloc(&heap, 100000));
    assert_null(heap_alloc(&heap, 2 * HUGE));
    assert_sound();
    while (list != NULL) {
        void *next = *(void **)list;
        heap_free(&heap, list);
        list = next;
    }
    heap_set_cap(&world, 0);
    heap_free(&heap, alloc(2 * HUGE));
    assert_all_returned();
}

static void at_the_cap_free_memory_in_the_wrong_place_goes_back(void **state)
{
    (void)state;
    host_heap_ticks = true;
    char *gap = alloc(8 * HEAP_SLICE_SIZE);
    alloc(HEAP_SLICE_SIZE);
    heap_set_cap(&world, heap_taken(&world) + 2 * HEAP_SLICE_SIZE);
    heap_free(&heap, gap);
    assert_non_null(heap_alloc(&heap, 9 * HEAP_SLICE_SIZE));
    assert_null(heap_alloc(&heap, 9 * HEAP_SLICE_SIZE));
    assert_sound();
}

/* --- heaps among themselves --- */

enum { MANY = 3000 };

static void what_others_free_comes_back_in_batches(void **state)
{
    (void)state;
    static void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = alloc(48);
    for (size_t i = 0; i < MANY; i++)
        heap_free(&other, blocks[i]);
    assert_sound();
    heap_collect(&other);
    heap_collect(&heap);
    assert_int_equal(in_use().objects, 0);
    assert_all_returned();
}

static void memory_that_others_free_is_used_again(void **state)
{
    (void)state;
    static void *blocks[MANY];
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < MANY; i++)
            blocks[i] = alloc(64);
        for (size_t i = 0; i < MANY; i++)
            heap_free(&other, blocks[i]);
    }
    struct heap_stats stats;
    heap_stats(&world, &stats);
    assert_true(stats.taken_max < 3 * MANY * (HEAP_CHECKED ? 80 : 64));
    assert_true(stats.wakes > 0);
    assert_all_returned();
}

static void a_parked_heap_is_adopted_with_all_it_has(void **state)
{
    (void)state;
    char *block = heap_alloc(&other, 100), *large = heap_alloc(&other, 100000);
    assert_null(heap_adopt(&world));
    heap_park(&other);
    heap_free(&heap, block);
    heap_free(&heap, large);
    heap_collect(&heap);
    assert_ptr_equal(heap_adopt(&world), &other);
    assert_null(heap_adopt(&world));
    assert_all_returned();
}

static void heap_none_takes_what_its_port_attaches(void **state)
{
    (void)state;
    host_heap_attached = NULL;
    assert_null(heap_alloc(&heap_none, 100));
    assert_null(heap_alloc_zeroed(&heap_none, 100));
    host_heap_attached = &heap;
    char *a = heap_alloc(&heap_none, 100), *b = heap_alloc_zeroed(&heap_none, 100000);
    assert_true(heap_owns(&world, a) && heap_owns(&world, b));
    heap_free(&heap_none, a);
    heap_free(&heap_none, NULL);
    b = heap_realloc(&heap_none, b, 10);
    heap_free_sized(&heap_none, b, 10);
    assert_all_returned();
}

static void an_interrupt_heap_lives_on_its_reserve(void **state)
{
    (void)state;
    static struct heap interrupt;
    heap_init(&interrupt, &world);
    assert_true(heap_reserve(&interrupt, 2));
    char *large = alloc(100000), *huge = alloc(HUGE), *foreign = alloc(100);
    unsigned calls = host_heap_calls;
    void *list = NULL;
    size_t count = 0;
    for (void **block = heap_alloc(&interrupt, 1000); block != NULL;
         block = heap_alloc(&interrupt, 1000), count++) {
        *block = list;
        list = block;
    }
    assert_true(count >= 100);
    assert_null(heap_alloc(&interrupt, 10));
    assert_null(heap_alloc(&interrupt, 100000));
    heap_free(&interrupt, foreign);
    heap_free(&interrupt, large);
    heap_free(&interrupt, huge);
    assert_int_equal(host_heap_calls, calls);
    while (list != NULL) {
        void *next = *(void **)list;
        heap_free(&interrupt, list);
        list = next;
    }
    heap_collect(&interrupt);
    assert_sound();
    assert_non_null(heap_alloc(&interrupt, 10));
    heap_free(&heap, alloc(100000)); /* frees what was deferred, too */
    assert_int_equal(in_use().runs + in_use().huge, 0);
    assert_sound();
}

static void an_interrupt_heap_serves_all_sizes_from_a_slab_each_power_of_two(void **state)
{
    (void)state;
    static struct heap interrupt;
    heap_init(&interrupt, &world);
    assert_true(heap_reserve(&interrupt, 12));
    for (size_t size = 0; size <= HEAP_SMALL_MAX - 8; size += size / 8 + 1) {
        void *block = heap_alloc(&interrupt, size);
        assert_non_null(block);
        heap_free(&interrupt, block);
    }
    assert_sound();
}

static void an_interrupt_heap_gives_back_what_it_has_above_its_reserve(void **state)
{
    (void)state;
    static struct heap interrupt;
    heap_init(&interrupt, &world);
    assert_true(heap_reserve(&interrupt, 5));
    size_t taken = 0;
    while (heap_unreserve(&interrupt, 2))
        taken++;
    assert_int_equal(taken, 3);
    heap_trim(&heap);
    assert_int_equal(heap_taken(&world), 2 * HEAP_SLICE_SIZE);
    assert_sound();
}

static void interrupt_heaps_see_misuse_of_large_blocks_at_once(void **state)
{
    (void)state;
    static struct heap interrupt;
    heap_init(&interrupt, &world);
    assert_true(heap_reserve(&interrupt, 1));
    char *large = alloc(100000), *huge = alloc(HUGE), local[16] = "";
    heap_free(&interrupt, large);
    heap_free(&interrupt, huge);
    expect_panic(heap_free(&interrupt, large), "is already free");
    expect_panic(heap_free(&interrupt, huge), "already free");
    expect_panic(heap_free(&heap, large), "is already free");
    expect_panic(heap_free(&heap, huge), "already free");
    expect_panic(heap_free(&interrupt, local), "is not a heap pointer");
    assert_sound();
    heap_collect(&heap);
    struct heap_stats stats;
    heap_stats(&world, &stats);
    assert_int_equal(stats.runs + stats.huge, 0);
    assert_int_equal(host_heap_mapped, world.record_bytes);
    assert_sound();
}

static void a_fork_keeps_the_lock_until_it_is_over(void **state)
{
    (void)state;
    heap_fork_prepare(&world);
    heap_fork_parent(&world);
    heap_fork_prepare(&world);
    heap_fork_child(&world);
    heap_free(&heap, alloc(100000));
    assert_all_returned();
}

/* --- giving memory back --- */

static void pass_time(uint64_t milliseconds)
{
    host_heap_clock += milliseconds;
    heap_tick(&heap, host_heap_clock);
}

static size_t dirty_bytes(void)
{
    struct heap_stats stats;
    heap_stats(&world, &stats);
    return stats.dirty_bytes;
}

static void free_memory_goes_back_when_it_is_old_and_much(void **state)
{
    (void)state;
    enum { BLOCKS = 32 };
    char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        memset(blocks[i] = alloc(500000), 1, 500000);
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(&heap, blocks[i]);
    size_t dirty = dirty_bytes();
    assert_true(dirty >= (size_t)BLOCKS * 500000);
    pass_time(990);
    assert_int_equal(dirty_bytes(), dirty);
    pass_time(1010);
    assert_true(dirty_bytes() <= 2 * MIB && dirty_bytes() > MIB);
    pass_time(100000);
    assert_true(dirty_bytes() > MIB);
    assert_true(heap_trim(&heap) > MIB);
    assert_int_equal(dirty_bytes(), 0);
    assert_all_returned();
}

static void free_pages_between_live_blocks_go_back(void **state)
{
    (void)state;
    enum { BLOCKS = 100000 };
    static unsigned char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        memset(blocks[i] = alloc(100 + i % 7), (int)i, 100);
    size_t before = heap_taken(&world);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 200 != 0)
            heap_free(&heap, blocks[i]);
    pass_time(1000);
    pass_time(1000);
    pass_time(1000);
    assert_sound();
    assert_true(heap_taken(&world) < before / 2);
    for (size_t i = 0; i < BLOCKS; i += 200)
        assert_true(all_bytes(blocks[i], 100, (unsigned char)i));
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 200 != 0)
            memset(blocks[i] = alloc(100 + i % 7), (int)i, 100);
    assert_sound();
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_true(all_bytes(blocks[i], 100, (unsigned char)i));
        heap_free(&heap, blocks[i]);
    }
    assert_all_returned();
}

static void of_a_slab_with_one_live_block_only_its_pages_stay(void **state)
{
    (void)state;
    heap_free(&heap, alloc(HEAP_SLICE_SIZE)); /* all pages of the slice have memory */
    char *live = alloc(24576), *freed = alloc(24576);
    assert_ptr_equal(slice_of(live), slice_of(freed));
    heap_free(&heap, freed);
    heap_trim(&heap);
    assert_int_equal(heap_taken(&world), 24576);
    assert_sound();
    heap_free(&heap, live);
    assert_all_returned();
}

static void slabs_that_others_emptied_go_back_by_a_tick(void **state)
{
    (void)state;
    static void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = alloc(2000);
    size_t before = heap_taken(&world);
    for (size_t i = 0; i < MANY; i++)
        heap_free(&other, blocks[i]);
    heap_collect(&other);
    for (int i = 0; i < 4; i++)
        pass_time(1000);
    assert_true(heap_taken(&world) < before / 2);
    assert_all_returned();
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
    expect_panic(heap_size(&world, pointer), sentence);
    expect_panic(heap_realloc(&heap, pointer, 100), sentence);
    assert_sound();
}

/* Calls that do not look at lists accept a free object in release builds. */
static void free_refuses(void *pointer, const char *part)
{
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%p %s", pointer, part);
    expect_panic(heap_free(&heap, pointer), sentence);
    assert_false(heap_owns(&world, pointer));
    assert_sound();
}

static void double_free_small(void **state)
{
    (void)state;
    char *block = alloc(40);
    alloc(40);
    heap_free(&heap, block);
    free_refuses(block, text("is already free, a block of %zu bytes, class 48",
                             HEAP_CHECKED ? (size_t)40 : 48));
}

static void double_free_large(void **state)
{
    (void)state;
    char *block = alloc(100000);
    heap_free(&heap, block);
    every_call_refuses(block, "is already free, as is all around it");
}

static void double_free_huge(void **state)
{
    (void)state;
    char *block = alloc(HUGE);
    heap_free(&heap, block);
    every_call_refuses(block, "is not a heap pointer, or its block is already free and unmapped");
}

static void double_free_in_a_slab_that_was_given_back(void **state)
{
    (void)state;
    char *block = alloc(40);
    heap_free(&heap, block);
    heap_trim(&heap);
    every_call_refuses(block, "is already free, as is all around it");
}

static void pointer_into_a_small_block(void **state)
{
    (void)state;
    char *block = alloc(40), *freed = alloc(40);
    every_call_refuses(block + 24, text("points 24 bytes into a live block of %d bytes at %p",
                                        HEAP_CHECKED ? 40 : 48, (void *)block));
    every_call_refuses(block + 1, "points 1 bytes into a live block of 4");
    heap_free(&heap, freed);
    every_call_refuses(freed + 16, text("points 16 bytes into a free block of %d bytes at %p",
                                        HEAP_CHECKED ? 40 : 48, (void *)freed));
}

static void pointer_into_a_large_block(void **state)
{
    (void)state;
    char *block = alloc(100000);
    every_call_refuses(block + 4096, text("points 4096 bytes into a live block of %d bytes at %p",
                                          HEAP_CHECKED ? 100000 : 102400, (void *)block));
    every_call_refuses(block + 65536, "points 65536 bytes into a live block of 10");
    every_call_refuses(block + 102400, "lies behind the live block of 10");
}

static void pointer_into_a_huge_block(void **state)
{
    (void)state;
    char *block = alloc(HUGE);
    every_call_refuses(block + 4096, "points 4096 bytes into a live block of 1048576 bytes");
    every_call_refuses(block + HUGE, "is not a heap pointer");
    heap_free(&heap, block);
}

static void pointer_before_the_first_block_of_a_slab(void **state)
{
    (void)state;
    char *block = alloc(28000);
    char *slab = (char *)bits_round_down((uintptr_t)block, HEAP_SLICE_SIZE);
    every_call_refuses(slab, "lies before the first block of a slab of 28672-byte blocks");
}

static void pointer_to_a_block_that_was_never_given_out(void **state)
{
    (void)state;
    char *block = alloc(40);
    uintptr_t last = bits_round_down((uintptr_t)block, HEAP_SLICE_SIZE) + HEAP_SLICE_SIZE - 48;
    assert_false(heap_owns(&world, (void *)last));
    assert_true(heap_owns(&world, block));
}

static void foreign_pointers(void **state)
{
    (void)state;
    static char global;
    char local, *foreign = malloc(10);
    alloc(10);
    char *const pointers[] = {&global,
                              &local,
                              foreign,
                              (char *)&heap,
                              (char *)world.table,
                              (char *)world.arena - 16,
                              (char *)world.end,
                              (char *)16,
                              (char *)UINTPTR_MAX};
    for (size_t i = 0; i < COUNT(pointers); i++)
        every_call_refuses(pointers[i], "is not a heap pointer");
    expect_panic(heap_size(&world, NULL), "is not a heap pointer");
    free(foreign);
}

/* Addresses that share a descriptor with a slab of this heap, a whole table away. */
static void pointers_that_lead_to_a_wrong_descriptor(void **state)
{
    (void)state;
    start_in(MIB, 0);
    char *block = alloc(40);
    for (size_t away = 1; away < 1000; away++) {
        char *pointer = block + away * MIB;
        assert_ptr_equal(heap_slice_in(heap.table, heap.mask, (uintptr_t)pointer), slice_of(block));
        every_call_refuses(pointer, "is not a heap pointer");
        every_call_refuses(block - away * MIB, "is not a heap pointer");
    }
    heap_free(&heap, block);
    assert_all_returned();
}

/* Every address of a slab of every class, and of its neighbours: only starts of objects are. */
static void heap_is_object_tells_every_address_of_every_class(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        uint32_t size = heap_class_size(i);
        const struct heap_slice *slab = slice_of(alloc(size - (HEAP_CHECKED ? 8 : 0)));
        uintptr_t base = heap_slice_start(&world, slab);
        assert_int_equal(heap_class_size(slab->size_class), size);
        for (uintptr_t at = base - MIB; at < base + 2 * MIB; at++) {
            bool is_object =
                at >= slab->start && at < base + HEAP_SLICE_SIZE && (at - slab->start) % size == 0;
            if (heap_slice_in(heap.table, heap.mask, at) == slab &&
                is_object != heap_is_object(slab, at))
                fail_msg("%zu in a slab of %u", (size_t)(at - base), size);
        }
    }
}

static void a_stale_mask_is_harmless(void **state)
{
    (void)state;
    enum { BLOCKS = 200 };
    char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = heap_alloc(&other, HEAP_SMALL_MAX - 8);
    assert_true(heap.mask < world.mask);
    heap.mask = 63 * sizeof(struct heap_slice);
    other.mask = heap.mask;
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(i % 2 == 0 ? &heap : &other, blocks[i]);
    assert_int_equal(other.mask, world.mask);
    assert_all_returned();
}

static void a_descriptor_that_is_not_the_blocks_own_decides_nothing(void **state)
{
    (void)state;
    char *huge = alloc(HUGE);
    struct heap_slice *wrong = heap_slice_in(heap.table, heap.mask, (uintptr_t)huge);
    struct heap_slice before = *wrong;
    wrong->owner = &other; /* a slab that is just becoming a free run */
    wrong->start = 0;
    wrong->reciprocal = 0;
    heap_free(&heap, huge);
    *wrong = before;
    assert_int_equal(host_heap_mapped, world.record_bytes);
    assert_all_returned();
}

static void pointers_to_an_empty_heap(void **state)
{
    (void)state;
    every_call_refuses((char *)world.arena, "is not a heap pointer");
}

static void alignments_that_are_no_power_of_two(void **state)
{
    (void)state;
    expect_panic(heap_alloc_aligned(&heap, 10, 24), "24 is not an alignment");
    expect_panic(heap_alloc_aligned(&heap, 10, 0), "0 is not an alignment");
    expect_panic(heap_alloc_aligned(&heap, 10, SIZE_MAX), "is not an alignment");
    assert_int_equal(host_heap_calls, 0);
}

static void follow_the_links(const char *part)
{
    expect_panic(for (;;) alloc(48), part);
}

/* A write to a free block that destroys its link is seen when the link is followed. */
static void write_after_free_over_the_link(void **state)
{
    (void)state;
    const uint64_t values[] = {0, UINT64_MAX, 0x4141414141414141, (uintptr_t)&world};
    for (size_t i = 0; i < COUNT(values); i++) {
        start_over(state);
        uint64_t *blocks[100];
        for (size_t k = 0; k < COUNT(blocks); k++)
            blocks[k] = alloc(48);
        for (size_t k = 0; k < COUNT(blocks); k++)
            heap_free(&heap, blocks[k]);
        *blocks[50] = values[i];
        follow_the_links("was written to");
    }
}

/* --- checked builds --- */

static void double_free_of_any_block_is_seen(void **state)
{
    (void)state;
    char *blocks[10];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(40);
    for (size_t i = 1; i < COUNT(blocks); i++)
        heap_free(i % 2 == 0 ? &heap : &other, blocks[i]);
    for (size_t i = 1; i < COUNT(blocks); i++)
        every_call_refuses(blocks[i], "is already free");
}

static void free_blocks_are_filled(void **state)
{
    (void)state;
    unsigned char fill = host_heap_debug ? 0xdd : 0;
    char *block = alloc(500), *large = alloc(100000);
    if (host_heap_debug)
        assert_true(all_bytes(block, 500, 0xa5) && all_bytes(large, 100000, 0xa5));
    alloc(500);
    memset(block, 7, 500);
    heap_free(&heap, block);
    assert_true(all_bytes(block + 8, 492, fill));
}

static void write_after_free_is_seen_at_reuse(void **state)
{
    (void)state;
    char *blocks[200];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = alloc(500);
    for (size_t i = 1; i < COUNT(blocks); i++)
        heap_free(&heap, blocks[i]); /* the first keeps its slab in use */
    blocks[100][499] = 1;
    const char *sentence =
        text("%p was written to while free: byte 499 of the block of 500 bytes at %p",
             (void *)(blocks[100] + 499), (void *)blocks[100]);
    expect_panic(for (;;) alloc(500), sentence);
}

static void overflow_is_seen(void *block)
{
    expect_panic(heap_free(&heap, block), "was written to behind its end");
    expect_panic(heap_realloc(&heap, block, 10), "was written to behind its end");
}

static void overflow_is_seen_at_free(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 7, 8, 9, 40, 100, 1000, 5000, 32760, 33000, 1100000};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t past = 0; past < 8; past += 3) {
            char *block = alloc(sizes[i]), kept = block[sizes[i] + past];
            block[sizes[i] + past] ^= 0x40;
            overflow_is_seen(block);
            block[sizes[i] + past] = kept;
            heap_free(&heap, block);
        }
    assert_all_returned();
}

static void a_sized_free_with_a_wrong_size_is_seen(void **state)
{
    (void)state;
    char *block = alloc(100), *large = alloc(100000);
    const char *sentence =
        text("%p is a block of 100 bytes, freed as one of 99, class 112", (void *)block);
    expect_panic(heap_free_sized(&heap, block, 99), sentence);
    expect_panic(heap_free_sized(&heap, large, 100001), "freed as one of 100001");
    heap_free_sized(&heap, block, 100);
    heap_free_sized(&heap, large, 100000);
    heap_free_sized(&heap, NULL, 5);
    assert_all_returned();
}

static void the_usable_size_is_what_was_asked_for(void **state)
{
    (void)state;
    char *block = alloc(13);
    assert_int_equal(heap_size(&world, block), 13);
    block = heap_realloc(&heap, block, 20);
    assert_int_equal(heap_size(&world, block), 20);
    block = heap_realloc(&heap, block, 70001);
    assert_int_equal(heap_size(&world, block), 70001);
    block = heap_realloc(&heap, block, 2 * HUGE + 1);
    assert_int_equal(heap_size(&world, block), 2 * HUGE + 1);
}

static void hardened_links_are_encoded_and_carving_is_shuffled(void **state)
{
    (void)state;
    char *blocks[64];
    size_t in_order = 0;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        blocks[i] = alloc(50);
        in_order += i > 0 && blocks[i] == blocks[i - 1] + 64;
    }
    assert_true(in_order < 10);
    heap_free(&heap, blocks[0]);
    heap_free(&heap, blocks[1]);
    uint64_t link = *(uint64_t *)blocks[1];
    assert_int_not_equal(link ^ (uintptr_t)blocks[1], (uintptr_t)blocks[0]);
    *(uint64_t *)blocks[1] = (uintptr_t)blocks[1] ^ (uintptr_t)blocks[2];
    expect_panic(for (;;) alloc(50), "was written to");
}

/* --- random operations against a model --- */

enum { SLOTS = 700, OPERATIONS = 40000 };

static struct slot {
    unsigned char *block;
    size_t size;
    size_t align;
    uint32_t tag;
} slots[SLOTS];

/* {TOGGLE, {slot, size, log2 of the alignment, zeroed}} allocates if the slot is empty and frees if
 * not; {RESIZE, {slot, size}} needs a full one; {TICK, {milliseconds}} lets time pass; {TRIM}.
 * Which heap frees depends on the slot. */
enum { TOGGLE, RESIZE, TICK, TRIM };
static const char *const kinds[] = {"TOGGLE", "RESIZE", "TICK", "TRIM"};

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
    if (random_once_in(dice, 200))
        return (struct shrink_op){TICK, {random_below(dice, 2000)}};
    if (random_once_in(dice, 10000))
        return (struct shrink_op){TRIM, {0}};
    if (random_once_in(dice, 6))
        return (struct shrink_op){RESIZE, {slot, size}};
    return (struct shrink_op){TOGGLE,
                              {slot, size, random_align_log2(dice), random_once_in(dice, 4)}};
}

static void slot_check(const struct slot *slot)
{
    assert_true(bits_is_aligned((uintptr_t)slot->block, slot->align < 16 ? 16 : slot->align));
    assert_true(heap_size(&world, slot->block) >= slot->size);
    assert_true(tag_holds(slot->block, slot->size, slot->size, slot->tag));
}

static void slot_alloc(struct slot *slot, size_t size, size_t align, bool zero)
{
    static uint32_t tags;
    *slot = (struct slot){NULL, size, zero ? 16 : align, ++tags};
    slot->block = take(size, align, zero);
    assert_non_null(slot->block);
    if (zero)
        assert_true(all_bytes(slot->block, heap_size(&world, slot->block), 0));
    tag_write(slot->block, slot->size, slot->tag);
}

static void slot_realloc(struct slot *slot, size_t size)
{
    size_t kept = size < slot->size ? size : slot->size;
    unsigned char *block = heap_realloc(&heap, slot->block, size);
    assert_non_null(block);
    assert_true(tag_holds(block, kept, slot->size, slot->tag));
    slot->block = block;
    slot->size = size;
    tag_write(block, size, slot->tag);
}

static void slot_free(struct slot *slot)
{
    slot_check(slot);
    heap_free(slot->tag % 5 == 0 ? &other : &heap, slot->block);
    slot->block = NULL;
}

static void apply_operation(const struct shrink_op *op)
{
    if (op->what == TICK)
        pass_time(op->with[0]);
    else if (op->what == TRIM)
        heap_trim(&heap);
    if (op->what == TICK || op->what == TRIM)
        return;
    struct slot *slot = &slots[op->with[0]];
    if (op->what == RESIZE && slot->block != NULL)
        slot_realloc(slot, op->with[1]);
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

static uint64_t heap_live(void)
{
    return in_use().objects + in_use().runs + in_use().huge;
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

/* Makes slabs of several classes, runs, aligned and plain, mappings; moves blocks between them. */
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
    {ALLOC, 0, 1200000, 0},    {REALLOC, 0, 1300000, 0}, {ALLOC, 1, 40, 0},
    {REALLOC, 0, 9000000, 0},  {REALLOC, 1, 5000000, 0}, {REALLOC, 0, 100, 0},
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
    slot->block = unless_failed(take(step->size, step->align, false), before);
    if (slot->block != NULL)
        tag_write(slot->block, slot->size, slot->tag);
}

static void step_realloc(struct slot *slot, const struct step *step)
{
    struct in_use before = in_use();
    unsigned char *block = unless_failed(heap_realloc(&heap, slot->block, step->size), before);
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

/* Fills 40 slabs and empties them, so that the arena grows. */
static void step_alloc_many(const struct step *step)
{
    char *blocks[2 * 40];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = take(step->size, step->align, false);
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
    heap_set_cap(&world, 0);
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
    assert_true(calls > 5);
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
    while (heap_alloc(&heap, 100) != NULL)
        ;
    while (heap_alloc(&heap, 70000) != NULL)
        ;
    for (size_t i = 0; i < 100; i++) {
        assert_null(heap_realloc(&heap, slots[i].block, 100000));
        slot_free(&slots[i]);
    }
    assert_sound();
    assert_non_null(alloc(31));
}

static void every_page_failing_in_turn_loses_nothing(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 200; cap++) {
        start_over(state);
        heap_set_cap(&world, cap * PAGE_SIZE + 1);
        for (size_t i = 0; i < COUNT(script); i++) {
            run_step(&script[i]);
            assert_sound();
        }
        heap_set_cap(&world, 0);
        for (size_t i = 0; i < SCRIPT_SLOTS; i++) {
            heap_free(&heap, slots[i].block);
            slots[i] = (struct slot){0};
        }
        assert_all_returned();
    }
}

/* --- the checker --- */

/* Sees the sentence when `object` is `value`, and none when it is what it was. */
#define damage(object, value, part)                          \
    do {                                                     \
        typeof(object) whole = (object);                     \
        (object) = (value);                                  \
        told_expect(heap_check(&world, told_collect), part); \
        (object) = whole;                                    \
        assert_sound();                                      \
    } while (0)

/* Slice 0: the current slab of class 2 with some of its 1365 blocks in use. */
static struct heap_slice *some_slab(void)
{
    char *block = NULL;
    for (size_t i = 0; i < 100; i++)
        block = alloc(40);
    heap_free(&heap, block);
    return slice_of(block);
}

static void heap_check_sees_damaged_slabs(void **state)
{
    (void)state;
    struct heap_slice *slab = some_slab();
    damage(slab->linked, 99, "slab 0 counts 99 linked objects, it has");
    damage(slab->used, slab->used + 1, "slab 0 has ");
    damage(slab->size_class, HEAP_CLASSES,
           "slab 0 has no owner, or class 64, which does not exist");
    damage(slab->owner, NULL, "slab 0 has no owner");
    damage(slab->start, slab->start + 16, "slab 0 of 48-byte blocks starts elsewhere");
    damage(slab->reciprocal, 5, "slab 0 of 48-byte blocks starts elsewhere");
    damage(slab->free, slab->free + 16, "the free list of slab 0 leads to");
    damage(slab->free, 0, "objects in use and 0 free");
    damage(slab->remote, slab->free + 1, "slab 0 is awake, but asks to be woken");
    damage(slab->remote, 32, "the remote list of slab 0 leads to");
    damage(slab->place, HEAP_QUEUED, "the current slab of class 2 is not one");
    damage(slab->backed, 0, "bytes are counted as taken, there are");
}

static void heap_check_sees_damaged_heaps(void **state)
{
    (void)state;
    some_slab();
    damage(heap.current[2], NULL, "class 2 has a list, but no slab");
    damage(heap.list[2], heap.list[2] + 8, "the list of slab 0 leads to");
    damage(heap.queue[3].last, 3, "the queue of a class does not end where it should");
    damage(heap.queue[3].first, 0, "the queue of a class is broken at slice 0");
    damage(heap.stash.first, 0, "the queue of stashed slices is broken at slice 0");
}

static void heap_check_sees_damaged_runs(void **state)
{
    (void)state;
    char *block = alloc(100000);
    alloc(40000);
    heap_free(&heap, block);
    struct heap_slice *run = slice_of(block);
    damage(world.free_slices, 1, "1 slices are counted free, there are");
    damage(world.dirty_pages, 1, "1 pages are counted dirty, there are 25");
    damage(world.taken, 1, "1 bytes are counted as taken, there are");
    damage(run->node.height, 9, "the tree of free runs is not sound");
    damage(run->node.key, run->node.key + 5, "is not in the arena");
    damage(run->kind, HEAP_RUN, "is not free, but in the free run at");
    damage(run->place, 0, "has memory, but is not in the queue");
    damage(run[1].next, 9, "does not know the first");
    damage(world.dirty.last, HEAP_NO_SLICE, "the queue of dirty runs does not end where it should");
}

static void heap_check_sees_damaged_huge_blocks(void **state)
{
    (void)state;
    char *block = alloc(HUGE);
    struct heap_huge *record = container_of(world.huge, struct heap_huge, node);
    damage(record->bytes, HUGE + 1, "has 1048577 bytes, not whole pages");
    damage(record->bytes, 0, "has 0 bytes, not whole pages");
    damage(record->align, MIB * MIB, "is not aligned to 1099511627776");
    damage(record->align, 0, "is not aligned to 0");
    damage(record->node.height, 2, "the tree of huge blocks is not sound");
    damage(world.huge_count, 2, "2 huge blocks of 1048576 bytes are counted, there are 1");
    damage(world.huge_bytes, 4096, "1 huge blocks of 4096 bytes are counted, there are 1");
    heap_free(&heap, block);
}

/* --- what is said about addresses --- */

static void heap_explain_knows_every_kind_of_address(void **state)
{
    (void)state;
    char said[200];
    char *small = alloc(100), *large = alloc(100000), *huge = alloc(HUGE);
    size_t length = heap_explain(&world, small, said, sizeof said);
    assert_int_equal(length, strlen(said));
    assert_non_null(strstr(said, HEAP_CHECKED ? "is a live block of 100 bytes, class 112"
                                              : "block of 112 bytes, class 112"));
    heap_explain(&world, large + 5, said, sizeof said);
    assert_non_null(strstr(said, "points 5 bytes into a live block of 10"));
    heap_explain(&world, huge, said, sizeof said);
    assert_non_null(strstr(said, "is a live block of 1048576 bytes"));
    heap_explain(&world, said, said, sizeof said);
    assert_non_null(strstr(said, "is not a heap pointer"));
    heap_free(&heap, huge);
}

#define TEST(function) cmocka_unit_test_setup(function, start_over)

static const struct CMUnitTest tests[] = {
    TEST(heap_init_asks_nothing_of_its_port),
    TEST(every_small_size_has_a_close_class),
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
    TEST(a_run_grows_and_shrinks_in_place),
    TEST(a_run_made_by_realloc_leaves_room_behind),
    TEST(huge_blocks_are_mappings_that_are_resized_as_such),
    TEST(aligned_huge_blocks_stay_aligned),
    TEST(an_arena_that_is_full_continues_in_mappings),
    TEST(without_mappings_huge_blocks_are_runs),
    TEST(worlds_live_side_by_side),
    TEST(what_others_free_comes_back_in_batches),
    TEST(memory_that_others_free_is_used_again),
    TEST(a_parked_heap_is_adopted_with_all_it_has),
    TEST(heap_none_takes_what_its_port_attaches),
    TEST(an_interrupt_heap_lives_on_its_reserve),
    TEST(an_interrupt_heap_serves_all_sizes_from_a_slab_each_power_of_two),
    TEST(an_interrupt_heap_gives_back_what_it_has_above_its_reserve),
    TEST(interrupt_heaps_see_misuse_of_large_blocks_at_once),
    TEST(a_fork_keeps_the_lock_until_it_is_over),
    TEST(free_memory_goes_back_when_it_is_old_and_much),
    TEST(free_pages_between_live_blocks_go_back),
    TEST(slabs_that_others_emptied_go_back_by_a_tick),
    TEST(double_free_small),
    TEST(double_free_large),
    TEST(double_free_huge),
    TEST(double_free_in_a_slab_that_was_given_back),
    TEST(pointer_into_a_small_block),
    TEST(pointer_into_a_large_block),
    TEST(pointer_before_the_first_block_of_a_slab),
    TEST(pointer_to_a_block_that_was_never_given_out),
    TEST(foreign_pointers),
    TEST(pointers_that_lead_to_a_wrong_descriptor),
    TEST(heap_is_object_tells_every_address_of_every_class),
    TEST(a_stale_mask_is_harmless),
    TEST(a_descriptor_that_is_not_the_blocks_own_decides_nothing),
    TEST(pointers_to_an_empty_heap),
    TEST(alignments_that_are_no_power_of_two),
    TEST(write_after_free_over_the_link),
    TEST(random_operations_agree_with_a_naive_model),
    TEST(a_port_that_fails_once_at_any_call_loses_nothing),
    TEST(a_port_that_fails_from_any_call_on_loses_nothing),
    TEST(exhaustion_leaves_all_blocks_usable),
    TEST(every_page_failing_in_turn_loses_nothing),
    TEST(heap_check_sees_damaged_slabs),
    TEST(heap_check_sees_damaged_heaps),
    TEST(heap_check_sees_damaged_huge_blocks),
    TEST(heap_explain_knows_every_kind_of_address),
};

static const struct CMUnitTest unguarded_tests[] = {
    TEST(the_smallest_run_that_fits_is_taken_and_the_lowest_of_these),
    TEST(pointer_into_a_huge_block),
    TEST(an_arena_may_start_at_any_slice_and_fill_its_window),
    TEST(heap_check_sees_damaged_runs),
};

static const struct CMUnitTest release_tests[] = {
    TEST(powers_of_two_are_aligned_to_their_size),
    TEST(a_cap_is_never_exceeded),
    TEST(the_last_run_of_the_arena_grows_with_it),
    TEST(of_a_slab_with_one_live_block_only_its_pages_stay),
    TEST(the_fullest_slab_that_is_worth_it_is_used_first),
    TEST(at_the_cap_free_memory_in_the_wrong_place_goes_back),
};

static const struct CMUnitTest checked_tests[] = {
    TEST(double_free_of_any_block_is_seen),       TEST(free_blocks_are_filled),
    TEST(write_after_free_is_seen_at_reuse),      TEST(overflow_is_seen_at_free),
    TEST(a_sized_free_with_a_wrong_size_is_seen), TEST(the_usable_size_is_what_was_asked_for),
};

static const struct CMUnitTest hardened_tests[] = {
    TEST(hardened_links_are_encoded_and_carving_is_shuffled),
};

static int run(const char *name, const struct CMUnitTest *group, size_t count)
{
    char title[64];
    snprintf(title, sizeof title, "heap, %s%s", name, host_heap_commits ? ", commits" : "");
    return _cmocka_run_group_tests(title, group, count, NULL, NULL);
}

int main(void)
{
    int failed = 0;
    for (int commits = 0; commits < 2; commits++) {
        host_heap_commits = commits != 0;
        host_heap_debug = host_heap_harden = false;
        failed += run("release", tests, COUNT(tests)) +
                  run("release only", release_tests, COUNT(release_tests)) +
                  run("release, unguarded", unguarded_tests, COUNT(unguarded_tests));
        host_heap_debug = true;
        failed += run("debug", tests, COUNT(tests)) +
                  run("debug, unguarded", unguarded_tests, COUNT(unguarded_tests)) +
                  run("debug, checked", checked_tests, COUNT(checked_tests));
        host_heap_debug = false;
        host_heap_harden = true;
        failed += run("hardened", tests, COUNT(tests)) +
                  run("hardened, checked", checked_tests, COUNT(checked_tests)) +
                  run("hardened only", hardened_tests, COUNT(hardened_tests));
    }
    return failed;
}

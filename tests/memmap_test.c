/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/memmap.c with the maps that firmware should not give but does, and against a
 * model that paints every frame. */
#include "kernel/mm/memmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/error.h"
#include "tests/host/random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define END          (64 * TIB)

static struct memmap map;

/* One line of a map: its end is more readable than its length. */
static struct boot_range from_to(uint64_t start, uint64_t end, uint32_t kind)
{
    return (struct boot_range){.start = start, .bytes = end - start, .kind = kind};
}

/* Memory that will be given out: a frame of it must be memory as a whole. */
static bool is_offered(int kind)
{
    return kind == BOOT_USABLE || kind == BOOT_LOADER;
}

/* What the contract promises whatever came in. */
static void check_shape(uint64_t physical_end)
{
    assert_true(map.count <= MEMMAP_MAX);
    for (size_t i = 0; i < map.count; i++) {
        const struct memmap_range *range = &map.range[i];
        assert_true(range->start.number < range->end.number);
        assert_true(range->end.number <= physical_end / PAGE_SIZE);
        assert_true(range->kind < BOOT_MEMORY_KINDS);
        if (i == 0)
            continue;
        assert_true(range[-1].end.number <= range->start.number);
        assert_false(range[-1].end.number == range->start.number && range[-1].kind == range->kind);
    }
}

static void build(const struct boot_range *ranges, size_t count, uint64_t physical_end)
{
    assert_int_equal(memmap_build(&map, ranges, count, physical_end), 0);
    check_shape(physical_end);
}

static void expect_range(size_t i, uint64_t start, uint64_t end, enum boot_memory kind)
{
    assert_true(i < map.count);
    assert_int_equal(map.range[i].start.number, start);
    assert_int_equal(map.range[i].end.number, end);
    assert_int_equal(map.range[i].kind, kind);
}

static void no_ranges_make_an_empty_map(void **state)
{
    (void)state;
    build(NULL, 0, END);
    assert_int_equal(map.count, 0);
    assert_int_equal(memmap_ram(&map), 0);
}

static void unsorted_ranges_come_out_sorted(void **state)
{
    (void)state;
    struct boot_range in[] = {
        from_to(0x100000, 0x200000, BOOT_USABLE),
        from_to(0x1000, 0x9f000, BOOT_USABLE),
        from_to(0xe0000, 0x100000, BOOT_FIRMWARE),
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 3);
    expect_range(0, 0x1, 0x9f, BOOT_USABLE);
    expect_range(1, 0xe0, 0x100, BOOT_FIRMWARE);
    expect_range(2, 0x100, 0x200, BOOT_USABLE);
}

static void what_touches_and_is_alike_is_joined(void **state)
{
    (void)state;
    struct boot_range in[] = {
        from_to(0x5000, 0x7000, BOOT_USABLE),
        from_to(0x1000, 0x3000, BOOT_USABLE),
        from_to(0x3000, 0x5000, BOOT_USABLE),
        from_to(0x7000, 0x8000, BOOT_ACPI),
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 2);
    expect_range(0, 1, 7, BOOT_USABLE);
    expect_range(1, 7, 8, BOOT_ACPI);
}

static void the_greater_kind_wins_every_overlap(void **state)
{
    (void)state;
    for (uint32_t low = 0; low < BOOT_MEMORY_KINDS; low++)
        for (uint32_t high = low + 1; high < BOOT_MEMORY_KINDS; high++) {
            struct boot_range in[] = {from_to(0x2000, 0x3000, high), from_to(0x1000, 0x4000, low)};
            build(in, COUNT(in), END);
            assert_int_equal(map.count, 3);
            expect_range(0, 1, 2, low);
            expect_range(1, 2, 3, high);
            expect_range(2, 3, 4, low);
        }
}

static void usable_memory_shrinks_to_frames_and_the_rest_grows(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < BOOT_MEMORY_KINDS; kind++) {
        struct boot_range in[] = {{.start = 0x1001, .bytes = 0x2ffe, .kind = kind}};
        build(in, 1, END);
        assert_int_equal(map.count, 1);
        if (is_offered((int)kind))
            expect_range(0, 2, 3, kind);
        else
            expect_range(0, 1, 4, kind);
    }
}

static void less_than_a_frame_is_not_usable_but_can_be_reserved(void **state)
{
    (void)state;
    struct boot_range in[] = {
        {.start = 0x1800, .bytes = 0x800 - 1, .kind = BOOT_USABLE},
        {.start = 0x2001, .bytes = 0xfff, .kind = BOOT_USABLE},
        {.start = 0x4fff, .bytes = 2, .kind = BOOT_RESERVED},
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 1);
    expect_range(0, 4, 6, BOOT_RESERVED);
}

static void empty_ranges_vanish(void **state)
{
    (void)state;
    struct boot_range in[] = {
        {.start = 0x1800, .bytes = 0, .kind = BOOT_RESERVED},
        {.start = 0, .bytes = 0, .kind = BOOT_USABLE},
        {.start = UINT64_MAX, .bytes = 0, .kind = BOOT_FIRMWARE},
        {.start = END, .bytes = 0, .kind = 77},
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 0);
}

static void kinds_unknown_are_reserved(void **state)
{
    (void)state;
    uint32_t unknown[] = {BOOT_MEMORY_KINDS, 8, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        struct boot_range in[] = {from_to(0, 0x8000, BOOT_USABLE),
                                  from_to(0x3000, 0x4000, unknown[i])};
        build(in, COUNT(in), END);
        assert_int_equal(map.count, 3);
        expect_range(1, 3, 4, BOOT_RESERVED);
    }
}

static void a_range_that_wraps_is_believed_only_if_it_forbids(void **state)
{
    (void)state;
    struct boot_range in[] = {
        from_to(0, 0x10000, BOOT_USABLE),
        {.start = 0x8000, .bytes = UINT64_MAX - 0x100, .kind = BOOT_RESERVED},
        {.start = 0x20000, .bytes = UINT64_MAX, .kind = BOOT_USABLE},
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 2);
    expect_range(0, 0, 8, BOOT_USABLE);
    expect_range(1, 8, END / PAGE_SIZE, BOOT_RESERVED);
}

static void the_top_of_the_number_range_is_no_wrap(void **state)
{
    (void)state;
    struct boot_range in[] = {
        {.start = 0x5000, .bytes = -(uint64_t)0x5000, .kind = BOOT_RESERVED},
        {.start = 0x3000, .bytes = -(uint64_t)0x3001, .kind = BOOT_FIRMWARE},
        {.start = UINT64_MAX - 1, .bytes = 1, .kind = BOOT_RESERVED},
        {.start = UINT64_MAX, .bytes = UINT64_MAX, .kind = BOOT_RESERVED},
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 2);
    expect_range(0, 3, 5, BOOT_FIRMWARE);
    expect_range(1, 5, END / PAGE_SIZE, BOOT_RESERVED);
}

static void what_lies_above_the_physical_end_is_cut_off(void **state)
{
    (void)state;
    struct boot_range in[] = {
        from_to(0x1000, END + 0x5000, BOOT_USABLE),
        from_to(END, END + 0x5000, BOOT_RESERVED),
        from_to(END - 0x1000, END + 1, BOOT_ACPI),
        from_to(END + 0x800, END + 0x900, BOOT_LOADER),
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 2);
    expect_range(0, 1, END / PAGE_SIZE - 1, BOOT_USABLE);
    expect_range(1, END / PAGE_SIZE - 1, END / PAGE_SIZE, BOOT_ACPI);
    build(in, COUNT(in), 0x1000);
    assert_int_equal(map.count, 0);
}

static void nothing_may_be_usable(void **state)
{
    (void)state;
    struct boot_range in[] = {
        from_to(0, 0x100000, BOOT_USABLE),
        {.start = 0, .bytes = UINT64_MAX, .kind = BOOT_RESERVED},
    };
    build(in, COUNT(in), END);
    assert_int_equal(map.count, 1);
    assert_int_equal(memmap_frames(&map, BOOT_USABLE), 0);
    assert_int_equal(memmap_ram(&map), 0);
}

static struct boot_range many[MEMMAP_INPUT_MAX + 1];

static void as_many_ranges_go_in_as_is_said_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = from_to(i * 0x1000, 0x8000000 - i * 0x1000, i % BOOT_MEMORY_KINDS);
    build(many, MEMMAP_INPUT_MAX, END);
    assert_int_equal(memmap_build(&map, many, MEMMAP_INPUT_MAX + 1, END), -E2BIG);
    assert_int_equal(memmap_build(&map, many, SIZE_MAX, END), -E2BIG);
}

static void as_many_ranges_come_out_as_is_said_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i <= MEMMAP_MAX; i++)
        many[i] = from_to(i * 0x2000, i * 0x2000 + 0x1000, BOOT_USABLE);
    build(many, MEMMAP_MAX, END);
    assert_int_equal(map.count, MEMMAP_MAX);
    assert_int_equal(memmap_build(&map, many, MEMMAP_MAX + 1, END), -E2BIG);

    /* Half as many that lie apart inside one that covers them leave holes of its kind. */
    for (size_t i = 0; i < MEMMAP_MAX / 2; i++)
        many[i] = from_to(i * 0x2000, i * 0x2000 + 0x1000, BOOT_ACPI);
    many[MEMMAP_MAX / 2] = from_to(0, MEMMAP_MAX * 0x1000, BOOT_USABLE);
    build(many, MEMMAP_MAX / 2 + 1, END);
    assert_int_equal(map.count, MEMMAP_MAX);
}

/* As QEMU's OVMF gives it for 64 MiB on q35: boot services' memory is usable, 0xb0000000 comes
 * last, the hole below 1 MiB and the devices are in no entry. */
static void the_map_of_a_real_firmware_is_read(void **state)
{
    (void)state;
    struct boot_range in[] = {
        from_to(0x0, 0x1000, BOOT_USABLE),
        from_to(0x1000, 0xa0000, BOOT_USABLE),
        from_to(0x100000, 0x800000, BOOT_USABLE),
        from_to(0x800000, 0x808000, BOOT_FIRMWARE),
        from_to(0x808000, 0x80b000, BOOT_USABLE),
        from_to(0x80b000, 0x80c000, BOOT_FIRMWARE),
        from_to(0x80c000, 0x810000, BOOT_USABLE),
        from_to(0x810000, 0x900000, BOOT_FIRMWARE),
        from_to(0x900000, 0x1780000, BOOT_USABLE),
        from_to(0x1780000, 0x17a4000, BOOT_LOADER),
        from_to(0x17a4000, 0x1a00000, BOOT_KERNEL),
        from_to(0x1a00000, 0x36f0000, BOOT_USABLE),
        from_to(0x36f0000, 0x37ed000, BOOT_FIRMWARE),
        from_to(0x37ed000, 0x386d000, BOOT_RESERVED),
        from_to(0x386d000, 0x387f000, BOOT_ACPI),
        from_to(0x387f000, 0x3aff000, BOOT_FIRMWARE),
        from_to(0x3aff000, 0x3ef4000, BOOT_USABLE),
        from_to(0x3ef4000, 0x3f78000, BOOT_FIRMWARE),
        from_to(0x3f78000, 0x4000000, BOOT_FIRMWARE),
        from_to(0xfeffc000, 0xff000000, BOOT_RESERVED),
        from_to(0xfd00000000, 0x10000000000, BOOT_RESERVED),
        from_to(0xb0000000, 0xc0000000, BOOT_RESERVED),
    };
    build(in, COUNT(in), (uint64_t)1 << 40);
    assert_int_equal(map.count, 20);
    expect_range(0, 0, 0xa0, BOOT_USABLE);
    expect_range(1, 0x100, 0x800, BOOT_USABLE);
    expect_range(2, 0x800, 0x808, BOOT_FIRMWARE);
    expect_range(9, 0x17a4, 0x1a00, BOOT_KERNEL);
    expect_range(16, 0x3ef4, 0x4000, BOOT_FIRMWARE);
    expect_range(17, 0xb0000, 0xc0000, BOOT_RESERVED);
    expect_range(18, 0xfeffc, 0xff000, BOOT_RESERVED);
    expect_range(19, 0xfd00000, 0x10000000, BOOT_RESERVED);
    assert_int_equal(memmap_ram(&map), 0x4000 - 0x60 - 0x80);
    assert_int_equal(memmap_frames(&map, BOOT_ACPI), 0x12);
    assert_int_equal(memmap_frames(&map, BOOT_LOADER), 0x24);
}

/* The model: each frame below the physical end is painted by each range in turn. */

#define CANVAS   512
#define UNKNOWN  (-1)
#define BIG      64 /* the most ranges of a random map */
#define WIDE_END ((unsigned __int128)1 << 64)

static int painted[CANVAS];

static void paint(const struct boot_range *range, uint64_t physical_end)
{
    unsigned __int128 start = range->start, end = start + range->bytes;
    int kind = range->kind < BOOT_MEMORY_KINDS ? (int)range->kind : BOOT_RESERVED;
    if (range->bytes == 0 || (end >= WIDE_END && is_offered(kind)))
        return;
    for (uint64_t frame = 0; frame < physical_end / PAGE_SIZE; frame++) {
        unsigned __int128 first = (unsigned __int128)frame * PAGE_SIZE, past = first + PAGE_SIZE;
        bool inside = start <= first && past <= end;
        bool touches = start < past && first < end;
        if ((is_offered(kind) ? inside : touches) && kind > painted[frame])
            painted[frame] = kind;
    }
}

static struct boot_range random_range(struct random *random)
{
    static const uint64_t units[] = {1, 0x10, 0x800, 0x1000, 0x1000, 0x1000};
    uint64_t unit = units[random_below(random, COUNT(units))];
    uint64_t space = (CANVAS + 40) * PAGE_SIZE / unit;
    struct boot_range range = {
        .start = random_below(random, space) * unit,
        .bytes = random_below(random, random_once_in(random, 3) ? space : space / 16) * unit,
        .kind = (uint32_t)random_below(random, BOOT_MEMORY_KINDS + 1),
    };
    if (random_once_in(random, 40))
        range.start = -range.start;
    if (random_once_in(random, 40))
        range.bytes = -range.bytes;
    return range;
}

static const char *compare_with_canvas(uint64_t physical_end)
{
    size_t at = 0;
    uint64_t frames[BOOT_MEMORY_KINDS] = {0}, ram = 0;
    for (uint64_t frame = 0; frame < physical_end / PAGE_SIZE; frame++) {
        while (at < map.count && map.range[at].end.number <= frame)
            at++;
        bool covered = at < map.count && map.range[at].start.number <= frame;
        if ((covered ? (int)map.range[at].kind : UNKNOWN) != painted[frame])
            return "a frame has another kind than the ranges say";
        if (painted[frame] != UNKNOWN)
            frames[painted[frame]]++;
        ram += painted[frame] != UNKNOWN && painted[frame] != BOOT_RESERVED;
    }
    for (int kind = 0; kind < BOOT_MEMORY_KINDS; kind++)
        if (memmap_frames(&map, (enum boot_memory)kind) != frames[kind])
            return "memmap_frames counts wrong";
    return memmap_ram(&map) == ram ? NULL : "memmap_ram counts wrong";
}

static void random_maps_agree_with_the_painted_frames(void **state)
{
    (void)state;
    struct random random = random_start();
    for (; random.step < random_steps(5000); random.step++) {
        struct boot_range in[BIG];
        size_t count = random_below(&random, random_once_in(&random, 2) ? BIG : 6);
        uint64_t physical_end = random_below(&random, CANVAS + 1) * PAGE_SIZE;
        for (size_t i = 0; i < CANVAS; i++)
            painted[i] = UNKNOWN;
        for (size_t i = 0; i < count; i++) {
            in[i] = random_range(&random);
            paint(&in[i], physical_end);
        }
        random_assert(&random, memmap_build(&map, in, count, physical_end) == 0);
        check_shape(physical_end);
        random_assert_silent(&random, compare_with_canvas(physical_end));
    }
}

static void thousands_of_ranges_agree_with_the_painted_frames(void **state)
{
    (void)state;
    struct random random = random_start();
    for (size_t i = 0; i < CANVAS; i++)
        painted[i] = UNKNOWN;
    for (size_t i = 0; i < MEMMAP_INPUT_MAX; i++) {
        many[i] = random_range(&random);
        many[i].bytes %= 0x8000;
        paint(&many[i], CANVAS * PAGE_SIZE);
    }
    build(many, MEMMAP_INPUT_MAX, CANVAS * PAGE_SIZE);
    random_assert_silent(&random, compare_with_canvas(CANVAS * PAGE_SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_ranges_make_an_empty_map),
        cmocka_unit_test(unsorted_ranges_come_out_sorted),
        cmocka_unit_test(what_touches_and_is_alike_is_joined),
        cmocka_unit_test(the_greater_kind_wins_every_overlap),
        cmocka_unit_test(usable_memory_shrinks_to_frames_and_the_rest_grows),
        cmocka_unit_test(less_than_a_frame_is_not_usable_but_can_be_reserved),
        cmocka_unit_test(empty_ranges_vanish),
        cmocka_unit_test(kinds_unknown_are_reserved),
        cmocka_unit_test(a_range_that_wraps_is_believed_only_if_it_forbids),
        cmocka_unit_test(the_top_of_the_number_range_is_no_wrap),
        cmocka_unit_test(what_lies_above_the_physical_end_is_cut_off),
        cmocka_unit_test(nothing_may_be_usable),
        cmocka_unit_test(as_many_ranges_go_in_as_is_said_and_no_more),
        cmocka_unit_test(as_many_ranges_come_out_as_is_said_and_no_more),
        cmocka_unit_test(the_map_of_a_real_firmware_is_read),
        cmocka_unit_test(random_maps_agree_with_the_painted_frames),
        cmocka_unit_test(thousands_of_ranges_agree_with_the_painted_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

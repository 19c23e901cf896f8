/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/pmm.c: both lives over hosted memory, and that every frame of RAM is accounted
 * for after every call. */
#include "kernel/mm/pmm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <frame_home.h>

#include "kernel/memlayout.h"
#include "lib/error.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/ram.h"
#include "tests/host/random.h"
#include "tests/host/told.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct memmap map;

static void use_map(const struct memmap_range *ranges, size_t count)
{
    map.count = count;
    memcpy(map.range, ranges, count * sizeof *ranges);
    host_machine_start(8 * GIB);
}

static struct memmap_range range(uint64_t start, uint64_t end, enum boot_memory kind)
{
    return (struct memmap_range){{start}, {end}, kind};
}

/* The map of most tests: all kinds, 40 MiB of RAM; frame 0 and what lies behind 4 GiB are usable.
 */
static void use_small_map(void)
{
    const struct memmap_range ranges[] = {
        range(0x0, 0x9f, BOOT_USABLE),        range(0xf0, 0x100, BOOT_FIRMWARE),
        range(0x100, 0x180, BOOT_LOADER),     range(0x180, 0x1980, BOOT_USABLE),
        range(0x1980, 0x1a00, BOOT_KERNEL),   range(0x1a00, 0x1a80, BOOT_INITRD),
        range(0x1a80, 0x1a90, BOOT_ACPI),     range(0x1a90, 0x1b00, BOOT_FIRMWARE),
        range(0x1b00, 0x1b20, BOOT_RESERVED), range(0x1b20, 0x1b30, BOOT_USABLE),
        range(0x1b30, 0x1c01, BOOT_LOADER),   range(0x100000, 0x101000, BOOT_USABLE),
    };
    use_map(ranges, COUNT(ranges));
}

static int end(void **state)
{
    (void)state;
    host_frame_debug = true;
    ram_stop();
    return 0;
}

static enum boot_memory kind_of(uint64_t frame)
{
    for (size_t i = 0; i < map.count; i++)
        if (map.range[i].start.number <= frame && frame < map.range[i].end.number)
            return map.range[i].kind;
    return BOOT_RESERVED;
}

/* The account, having seen that it adds up to the RAM of the map. */
static struct pmm_account account(void)
{
    struct pmm_account now = pmm_account();
    assert_int_equal(pmm_check(ram_told), 0);
    assert_int_equal(now.ram, memmap_ram(&map));
    assert_int_equal(now.free + now.kernel + now.tables + now.heap + now.firmware + now.reserved,
                     now.ram);
    return now;
}

static frame_t take(enum pmm_use use)
{
    return pmm_alloc(use, (struct frame_request){0});
}

/* The first life */

static void without_usable_memory_there_is_no_start(void **state)
{
    (void)state;
    const struct memmap_range ranges[] = {
        range(0, 1, BOOT_USABLE), /* frame 0 does not count */
        range(1, 0x100, BOOT_KERNEL),
        range(0x100000, 0x200000, BOOT_USABLE), /* nor does what lies behind BOOT_MAPPED */
    };
    use_map(ranges, COUNT(ranges));
    assert_int_equal(pmm_start(&map), -ENOMEM);
    use_map(ranges, 0);
    assert_int_equal(pmm_start(&map), -ENOMEM);
}

static void the_first_life_gives_frames_of_the_largest_range_below_4_gib(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    assert_null(pmm_frames());
    static uint8_t seen[0x1980];
    memset(seen, 0, sizeof seen);
    for (uint64_t i = 0; i < 0x1800; i++) {
        frame_t frame = take(PMM_TABLES);
        assert_in_range(frame.number, 0x180, 0x1980 - 1);
        assert_int_equal(seen[frame.number]++, 0);
    }
    assert_true(frame_is_none(take(PMM_TABLES)));
    assert_int_equal(account().tables, 0x1800);
}

static void the_account_of_the_first_life_adds_up(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    struct pmm_account before = account();
    assert_int_equal(before.tables + before.heap, 0);
    assert_int_equal(before.reserved, 1);
    assert_int_equal(before.kernel, 0x80 + 0x80);
    assert_int_equal(before.firmware, 0x10 + 0x80 + 0x10 + 0x70 + 0xd1);
    take(PMM_TABLES);
    take(PMM_TABLES);
    take(PMM_KERNEL);
    struct pmm_account after = account();
    assert_int_equal(after.free, before.free - 3);
    assert_int_equal(after.tables, 2);
    assert_int_equal(after.kernel, before.kernel + 1);
}

static void a_range_across_4_gib_is_cut_there_in_the_first_life(void **state)
{
    (void)state;
    const struct memmap_range ranges[] = {
        range(0x10, 0x20, BOOT_USABLE),
        range(0xffff0, 0x180000, BOOT_USABLE),
    };
    use_map(ranges, COUNT(ranges));
    assert_int_equal(pmm_start(&map), 0);
    for (int i = 0; i < 0x10; i++) {
        frame_t frame = take(PMM_TABLES);
        assert_true(frame.number < BOOT_MAPPED / PAGE_SIZE);
    }
    frame_t last = take(PMM_TABLES);
    assert_true(frame_is_none(last));
    account();
    assert_int_equal(pmm_init(), 0);
    assert_int_equal(account().tables, 0x10);
}

static void zeroed_frames_are_zero_in_both_lives(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    for (int life = 1; life <= 2; life++) {
        frame_t frame = pmm_alloc(PMM_TABLES, (struct frame_request){.flags = FRAME_ZERO});
        const unsigned char *bytes = machine_phys_to_virt(phys_of_frame(frame));
        for (size_t i = 0; i < PAGE_SIZE; i++)
            assert_int_equal(bytes[i], 0);
        if (life == 1)
            assert_int_equal(pmm_init(), 0);
    }
}

/* The second life */

static void start_both_lives(void)
{
    assert_int_equal(pmm_start(&map), 0);
    account();
    assert_int_equal(pmm_init(), 0);
    assert_non_null(pmm_frames());
    account();
}

static void what_the_first_life_gave_stays_given(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    frame_t early[5];
    for (size_t i = 0; i < COUNT(early); i++) {
        early[i] = take(PMM_TABLES);
        memset(machine_phys_to_virt(phys_of_frame(early[i])), 0x77, PAGE_SIZE);
    }
    assert_int_equal(pmm_init(), 0);
    assert_int_equal(account().tables, COUNT(early));
    for (frame_t frame = take(PMM_HEAP); !frame_is_none(frame); frame = take(PMM_HEAP)) {
        memset(machine_phys_to_virt(phys_of_frame(frame)), 0x11, PAGE_SIZE);
        for (size_t i = 0; i < COUNT(early); i++)
            assert_int_not_equal(frame.number, early[i].number);
    }
    for (size_t i = 0; i < COUNT(early); i++) {
        const unsigned char *bytes = machine_phys_to_virt(phys_of_frame(early[i]));
        assert_int_equal(bytes[0], 0x77);
        assert_int_equal(bytes[PAGE_SIZE - 1], 0x77);
        pmm_free(PMM_TABLES, early[i], 0);
    }
    assert_int_equal(account().tables, 0);
}

static void metadata_and_early_frames_share_the_only_range(void **state)
{
    (void)state;
    const struct memmap_range only = range(0x100, 0x1100, BOOT_USABLE);
    use_map(&only, 1);
    for (uint64_t early = 0; early <= 0x1000; early += early < 3 ? 1 : 0xffd) {
        assert_int_equal(pmm_start(&map), 0);
        uint8_t *first = NULL;
        for (uint64_t i = 0; i < early; i++) {
            first = machine_phys_to_virt(phys_of_frame(take(PMM_TABLES)));
            memset(first, 0x77, PAGE_SIZE);
        }
        assert_int_equal(pmm_init(), early < 0x1000 ? 0 : -ENOMEM);
        for (size_t i = 0; i < early * PAGE_SIZE; i += 64)
            assert_int_equal(first[i], 0x77); /* they lie in one piece, the last one lowest */
        account();
    }
}

/* Takes all there is; each frame once, each of memory that may be had, none of them frame 0. */
static uint64_t take_all(bool loader, bool acpi)
{
    uint64_t count = 0;
    uint8_t *seen = calloc(MEMLAYOUT_RAM_END.number >> 12, 1);
    for (frame_t frame = take(PMM_HEAP); !frame_is_none(frame); frame = take(PMM_HEAP)) {
        enum boot_memory kind = kind_of(frame.number);
        assert_int_not_equal(frame.number, 0);
        assert_true(kind == BOOT_USABLE || (loader && kind == BOOT_LOADER) ||
                    (acpi && kind == BOOT_ACPI));
        assert_int_equal(seen[frame.number]++, 0);
        count++;
    }
    free(seen);
    return count;
}

static void all_that_is_free_can_be_had_and_nothing_else(void **state)
{
    (void)state;
    use_small_map();
    start_both_lives();
    struct pmm_account before = account();
    assert_true(before.free > 0x2800 - 0x40);
    uint64_t reserve = before.ram / 256;
    assert_int_equal(take_all(false, false), before.free - reserve);
    assert_int_equal(account().free, reserve);
    assert_false(pmm_use_reserve(true));
    assert_int_equal(take_all(false, false), reserve);
    assert_true(pmm_use_reserve(false));
    struct pmm_account after = account();
    assert_int_equal(after.free, 0);
    assert_int_equal(after.heap, before.free);
    assert_int_equal(after.kernel, before.kernel);
}

static void the_metadata_is_usable_memory_and_counted(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    struct pmm_account before = account();
    assert_int_equal(pmm_init(), 0);
    struct pmm_account after = account();
    assert_true(after.kernel > before.kernel);
    assert_int_equal(after.free, before.free - (after.kernel - before.kernel));
    take_all(false, false);
    assert_int_equal(pmm_check(ram_told), 0);
}

static void reclaimed_memory_becomes_free_but_never_frame_0(void **state)
{
    (void)state;
    const struct memmap_range ranges[] = {
        range(0x0, 0x10, BOOT_LOADER),
        range(0x10, 0x800, BOOT_USABLE),
        range(0x800, 0x810, BOOT_ACPI),
        range(0x810, 0x900, BOOT_LOADER),
        range(MEMLAYOUT_RAM_END.number - 1, MEMLAYOUT_RAM_END.number + 4, BOOT_LOADER),
    };
    use_map(ranges, COUNT(ranges));
    start_both_lives();
    struct pmm_account before = account();
    assert_int_equal(before.firmware, 0xf + 0x10 + 0xf0 + 1);
    assert_int_equal(before.reserved, 1 + 4);
    pmm_reclaim(BOOT_ACPI);
    assert_int_equal(account().free, before.free + 0x10);
    pmm_reclaim(BOOT_LOADER);
    struct pmm_account after = account();
    assert_int_equal(after.free, before.free + 0x10 + 0xf + 0xf0 + 1);
    assert_int_equal(after.firmware, 0);
    assert_int_equal(after.reserved, 1 + 4);
    bool found_top = false;
    for (frame_t frame = take(PMM_HEAP); !frame_is_none(frame); frame = take(PMM_HEAP)) {
        assert_int_not_equal(frame.number, 0);
        found_top = found_top || frame.number == MEMLAYOUT_RAM_END.number - 1;
    }
    assert_true(found_top);
}

static void blocks_merge_across_what_was_reclaimed(void **state)
{
    (void)state;
    const struct memmap_range ranges[] = {
        range(0x200, 0x2ff, BOOT_USABLE),
        range(0x2ff, 0x301, BOOT_LOADER),
        range(0x301, 0x400, BOOT_USABLE),
        range(0x1000, 0x2000, BOOT_USABLE),
    };
    struct frame_request low = {.order = 9, .below = {0x400}};
    use_map(ranges, COUNT(ranges));
    start_both_lives();
    assert_true(frame_is_none(pmm_alloc(PMM_HEAP, low)));
    pmm_reclaim(BOOT_LOADER);
    assert_int_equal(pmm_alloc(PMM_HEAP, low).number, 0x200);
    account();
}

static void ram_beyond_the_direct_map_is_reserved(void **state)
{
    (void)state;
    uint64_t top = MEMLAYOUT_RAM_END.number;
    const struct memmap_range ranges[] = {
        range(0x10, 0x2000, BOOT_USABLE),
        range(top - 0x10, top + 0x100000, BOOT_USABLE),
        range(top + 0x100000, top + 0x100010, BOOT_ACPI),
        range(top + 0x100010, top + 0x200000, BOOT_USABLE),
    };
    use_map(ranges, COUNT(ranges));
    assert_int_equal(pmm_start(&map), 0);
    assert_int_equal(account().reserved, 0x200000);
    assert_int_equal(pmm_init(), 0);
    assert_int_equal(account().reserved, 0x200000);
    for (int i = 0; i < 0x10; i++)
        assert_in_range(take(PMM_HEAP).number, top - 0x10, top - 1);
    assert_in_range(take(PMM_HEAP).number, 0x10, 0x1fff);
}

static void metadata_that_fits_nowhere_is_an_error(void **state)
{
    (void)state;
    struct memmap_range ranges[64];
    for (size_t i = 0; i < COUNT(ranges); i++)
        ranges[i] = range(1 + i * 0x40000, 2 + i * 0x40000, BOOT_USABLE);
    use_map(ranges, COUNT(ranges));
    assert_int_equal(pmm_start(&map), 0);
    assert_int_equal(pmm_init(), -ENOMEM);
}

static void a_terabyte_with_holes_comes_up(void **state)
{
    (void)state;
    const struct memmap_range ranges[] = {
        range(0x1, 0x9f, BOOT_USABLE), range(0x100, 0x80000, BOOT_USABLE),
        range(0x10000000, 0x1ff80000, BOOT_USABLE), /* as QEMU places it: 1 TiB and above */
    };
    use_map(ranges, COUNT(ranges));
    host_machine_start(2 * TIB);
    host_frame_debug = false; /* its records are no part of the bits that are counted here */
    start_both_lives();
    struct pmm_account now = account();
    assert_true(now.kernel * 100 < now.ram * 4); /* 1.06 bits of 4096 * 8 */
    assert_true(now.kernel * PAGE_SIZE * 8 <= now.ram * 106 / 100 + 8 * PAGE_SIZE * 16);
    frame_t block = pmm_alloc(PMM_HEAP, (struct frame_request){.order = 18});
    assert_false(frame_is_none(block));
    assert_int_equal(block.number % 0x40000, 0);
    pmm_free(PMM_HEAP, block, 18);
    assert_int_equal(account().free, now.free);
}

static void uses_are_booked_apart(void **state)
{
    (void)state;
    use_small_map();
    start_both_lives();
    struct pmm_account before = account();
    frame_t kernel = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = 3});
    frame_t tables = take(PMM_TABLES);
    frame_t heap = pmm_alloc(PMM_HEAP, (struct frame_request){.order = 9, .below = {0x1000}});
    assert_true(heap.number + 512 <= 0x1000);
    struct pmm_account now = account();
    assert_int_equal(now.kernel, before.kernel + 8);
    assert_int_equal(now.tables, before.tables + 1);
    assert_int_equal(now.heap, before.heap + 512);
    pmm_free(PMM_HEAP, heap, 9);
    pmm_free(PMM_KERNEL, kernel, 3);
    pmm_free(PMM_TABLES, tables, 0);
    now = account();
    assert_memory_equal(&now, &before, sizeof now);
}

static void a_second_start_forgets_everything(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        use_small_map();
        assert_int_equal(pmm_start(&map), 0);
        assert_null(pmm_frames());
        assert_int_equal(account().heap + account().tables, 0);
        take(PMM_TABLES);
        assert_int_equal(pmm_init(), 0);
        take(PMM_HEAP);
        pmm_reclaim(BOOT_LOADER);
        account();
    }
}

static void misuse_panics_with_the_value(void **state)
{
    (void)state;
    use_small_map();
    start_both_lives();
    frame_t frame = take(PMM_HEAP);
    take(PMM_HEAP);
    pmm_free(PMM_HEAP, frame, 0);
    char value[32];
    snprintf(value, sizeof value, "0x%llx", (unsigned long long)frame.number);
    expect_panic(pmm_free(PMM_HEAP, frame, 0), value);
    expect_panic(pmm_free(PMM_HEAP, (frame_t){0x1990}, 0), "0x1990");
    expect_panic(pmm_free(PMM_HEAP, (frame_t){0}, 0), "frame 0x0, order 0");
    expect_panic(pmm_free(PMM_HEAP, (frame_t){0x201}, 1), "0x201");
    expect_panic(pmm_free(PMM_HEAP, FRAME_NONE, 0), "0xffffffffffffffff");
    expect_panic(pmm_alloc(PMM_HEAP, (struct frame_request){.order = 19}), "there is no order 19,");
    account();
    struct pmm_purse empty;
    assert_int_equal(pmm_purse_fill(&empty, PMM_HEAP, 0), 0);
    expect_panic(pmm_purse_take(&empty), "the purse is empty");
    expect_panic(pmm_reclaim(BOOT_USABLE), "kind 0 is not there to be reclaimed");
    expect_panic(pmm_reclaim(BOOT_RESERVED), "is not there to be reclaimed");
    pmm_reclaim(BOOT_LOADER);
    expect_panic(pmm_reclaim(BOOT_LOADER), "is not there to be reclaimed");
    pmm_free(PMM_TABLES, take(PMM_HEAP), 0);
    told_expect(pmm_check(told_collect), "-1 frames are booked for use 1");
}

static void before_pmm_init_there_are_single_frames_alone(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    expect_panic(pmm_alloc(PMM_HEAP, (struct frame_request){.order = 1}), "not order 1");
    expect_panic(pmm_alloc(PMM_HEAP, (struct frame_request){.below = {9}}), "single frames");
    account();
}

static void expect_sum_told(const char *sentence)
{
    assert_non_null(strstr(sentence, "frames are accounted for, the RAM has"));
}

static void the_checker_sees_an_account_that_does_not_add_up(void **state)
{
    (void)state;
    use_small_map();
    start_both_lives();
    take(PMM_HEAP);
    assert_int_equal(pmm_check(ram_told), 0);
    map.range[0].end.number++; /* RAM that nobody was told of */
    assert_int_equal(pmm_check(expect_sum_told), 1);
    map.range[0].end.number--;
}

/* Purses */

static void a_purse_holds_as_many_zeroed_frames_as_it_says(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    for (int life = 1; life <= 2; life++) {
        struct pmm_account before = account();
        struct pmm_purse purse;
        uint64_t seen[40];
        assert_int_equal(pmm_purse_fill(&purse, PMM_TABLES, COUNT(seen)), 0);
        assert_int_equal(purse.count, COUNT(seen));
        assert_int_equal(account().tables, before.tables + COUNT(seen));
        for (size_t i = 0; i < COUNT(seen); i++) {
            seen[i] = pmm_purse_take(&purse).number;
            const unsigned char *bytes = machine_phys_to_virt(phys_of_frame((frame_t){seen[i]}));
            for (size_t at = 0; at < PAGE_SIZE; at++)
                assert_int_equal(bytes[at], 0);
            for (size_t other = 0; other < i; other++)
                assert_int_not_equal(seen[i], seen[other]);
        }
        assert_int_equal(purse.count, 0);
        pmm_purse_empty(&purse);
        assert_int_equal(account().tables, before.tables + COUNT(seen));
        if (life == 1)
            assert_int_equal(pmm_init(), 0);
    }
}

static void an_emptied_purse_gives_all_back(void **state)
{
    (void)state;
    use_small_map();
    start_both_lives();
    uint64_t before = account().free;
    for (size_t taken = 0; taken <= 7; taken++) {
        struct pmm_purse purse;
        frame_t frame[7];
        assert_int_equal(pmm_purse_fill(&purse, PMM_HEAP, 7), 0);
        for (size_t i = 0; i < taken; i++)
            frame[i] = pmm_purse_take(&purse);
        pmm_purse_empty(&purse);
        assert_int_equal(purse.count, 0);
        assert_int_equal(account().free, before - taken);
        for (size_t i = 0; i < taken; i++)
            pmm_free(PMM_HEAP, frame[i], 0);
    }
    struct pmm_purse none;
    assert_int_equal(pmm_purse_fill(&none, PMM_HEAP, 0), 0);
    assert_int_equal(none.count, 0);
    pmm_purse_empty(&none);
    assert_int_equal(account().free, before);
}

static void a_purse_is_filled_wholly_or_not_at_all(void **state)
{
    (void)state;
    use_small_map();
    start_both_lives();
    struct pmm_account before = account();
    for (uint64_t nth = 0; nth <= 20; nth++) {
        struct pmm_purse purse;
        ram_fail_after(nth, nth % 2);
        int error = pmm_purse_fill(&purse, PMM_TABLES, 20);
        assert_int_equal(ram_fail_never(), nth < 20);
        assert_int_equal(error, nth < 20 ? -ENOMEM : 0);
        if (error == 0)
            pmm_purse_empty(&purse);
        struct pmm_account after = account();
        assert_memory_equal(&after, &before, sizeof after);
    }
    struct pmm_purse purse;
    assert_int_equal(pmm_purse_fill(&purse, PMM_HEAP, before.free + 1), -ENOMEM);
    assert_int_equal(account().free, before.free);
    assert_int_equal(pmm_purse_fill(&purse, PMM_HEAP, before.free), -ENOMEM);
    assert_int_equal(account().free, before.free);
    pmm_use_reserve(true);
    assert_int_equal(pmm_purse_fill(&purse, PMM_HEAP, before.free), 0);
    assert_int_equal(account().free, 0);
    pmm_purse_empty(&purse);
    assert_int_equal(account().free, before.free);
}

static void a_purse_beyond_the_first_life_is_an_error(void **state)
{
    (void)state;
    use_small_map();
    assert_int_equal(pmm_start(&map), 0);
    struct pmm_purse purse;
    for (int i = 0; i < 0x1800 - 3; i++)
        take(PMM_TABLES);
    assert_int_equal(pmm_purse_fill(&purse, PMM_TABLES, 4), -ENOMEM);
    assert_int_equal(purse.count, 0);
    account();
    assert_int_equal(pmm_init(), 0);
    account();
}

/* The checker: each row does something behind pmm's back. */

static struct frames *behind(void)
{
    return (struct frames *)(uintptr_t)pmm_frames();
}

static void take_a_frame(void)
{
    assert_false(frame_is_none(frame_alloc(behind(), (struct frame_request){0})));
}

static void free_a_block(void)
{
    frame_t block = pmm_alloc(PMM_HEAP, (struct frame_request){.order = 3});
    frame_free(behind(), block, 3);
}

static void find_more_ram(void)
{
    map.range[map.count++] = range(0x200000, 0x200010, BOOT_USABLE);
}

static void lose_what_was_added(void)
{
    behind()->total = 0;
}

static const struct {
    void (*damage)(void);
    const char *sentence;
} damages[] = {
    {take_a_frame, "11151 frames are accounted for, the RAM has 11152\n"},
    {free_a_block, "11160 frames are accounted for, the RAM has 11152\n"},
    {find_more_ram, "11152 frames are accounted for, the RAM has 11168\n"},
    {lose_what_was_added, "that were added\n"}, /* frame_check is heard, too */
};

static void the_checker_sees_each_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(damages); i++) {
        use_small_map();
        start_both_lives();
        account();
        damages[i].damage();
        told_expect(pmm_check(told_collect), damages[i].sentence);
    }
}

/* Random uses, in pairs of a table of live blocks and the account that it makes. */

struct block {
    frame_t frame;
    unsigned order;
    enum pmm_use use;
};

static void random_uses_add_up(void **state)
{
    (void)state;
    static struct block blocks[4096];
    size_t count = 0;
    uint64_t used[PMM_USES] = {0};
    struct random random = random_start();
    use_small_map();
    start_both_lives();
    struct pmm_account before = account();
    for (; random.step < random_steps(20000); random.step++) {
        if (count < COUNT(blocks) && random_below(&random, 100) < 52) {
            struct block block = {.order = (unsigned)random_below(&random, 5),
                                  .use = (enum pmm_use)random_below(&random, PMM_USES)};
            struct frame_request request = {.order = (uint8_t)block.order};
            block.frame = pmm_alloc(block.use, request);
            if (frame_is_none(block.frame))
                continue;
            used[block.use] += (uint64_t)1 << block.order;
            blocks[count++] = block;
        } else if (count > 0) {
            size_t i = random_below(&random, count);
            pmm_free(blocks[i].use, blocks[i].frame, blocks[i].order);
            used[blocks[i].use] -= (uint64_t)1 << blocks[i].order;
            blocks[i] = blocks[--count];
        }
        struct pmm_account now = pmm_account();
        random_assert(&random, now.tables == used[PMM_TABLES] && now.heap == used[PMM_HEAP]);
        random_assert(&random, now.kernel == before.kernel + used[PMM_KERNEL]);
        random_assert(&random, random.step % 500 != 0 || pmm_check(ram_told) == 0);
    }
    while (count-- > 0)
        pmm_free(blocks[count].use, blocks[count].frame, blocks[count].order);
    struct pmm_account after = account();
    assert_memory_equal(&after, &before, sizeof after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_usable_memory_there_is_no_start, end),
        cmocka_unit_test_teardown(the_first_life_gives_frames_of_the_largest_range_below_4_gib,
                                  end),
        cmocka_unit_test_teardown(the_account_of_the_first_life_adds_up, end),
        cmocka_unit_test_teardown(a_range_across_4_gib_is_cut_there_in_the_first_life, end),
        cmocka_unit_test_teardown(zeroed_frames_are_zero_in_both_lives, end),
        cmocka_unit_test_teardown(what_the_first_life_gave_stays_given, end),
        cmocka_unit_test_teardown(metadata_and_early_frames_share_the_only_range, end),
        cmocka_unit_test_teardown(all_that_is_free_can_be_had_and_nothing_else, end),
        cmocka_unit_test_teardown(the_metadata_is_usable_memory_and_counted, end),
        cmocka_unit_test_teardown(reclaimed_memory_becomes_free_but_never_frame_0, end),
        cmocka_unit_test_teardown(blocks_merge_across_what_was_reclaimed, end),
        cmocka_unit_test_teardown(ram_beyond_the_direct_map_is_reserved, end),
        cmocka_unit_test_teardown(metadata_that_fits_nowhere_is_an_error, end),
        cmocka_unit_test_teardown(a_terabyte_with_holes_comes_up, end),
        cmocka_unit_test_teardown(uses_are_booked_apart, end),
        cmocka_unit_test_teardown(a_second_start_forgets_everything, end),
        cmocka_unit_test_teardown(misuse_panics_with_the_value, end),
        cmocka_unit_test_teardown(before_pmm_init_there_are_single_frames_alone, end),
        cmocka_unit_test_teardown(the_checker_sees_an_account_that_does_not_add_up, end),
        cmocka_unit_test_teardown(a_purse_holds_as_many_zeroed_frames_as_it_says, end),
        cmocka_unit_test_teardown(an_emptied_purse_gives_all_back, end),
        cmocka_unit_test_teardown(a_purse_is_filled_wholly_or_not_at_all, end),
        cmocka_unit_test_teardown(the_checker_sees_each_damage, end),
        cmocka_unit_test_teardown(random_uses_add_up, end),
        cmocka_unit_test_teardown(a_purse_beyond_the_first_life_is_an_error, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/paging.c with a walk of its own (host/walk.c), a model of the TLB, and a model
 * that keeps one entry for each 4 KiB of a window. */
#include "kernel/mm/paging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/mm/paging_entry.h"
#include "kernel/mm/pmm.h"
#include "lib/error.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/ram.h"
#include "tests/host/random.h"
#include "tests/host/shrink.h"
#include "tests/host/told.h"
#include "tests/host/walk.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define RW           (PAGE_READ | PAGE_WRITE)
#define RX           (PAGE_READ | PAGE_EXEC)

#define BASE 0xffffd08000000000 /* a multiple of 512 GiB */
#define PAGE ((uintptr_t)PAGE_SIZE)
#define MID  (2 * MIB)

static struct paging paging;
static uint64_t frames_before;
static unsigned pinned; /* pins held: a pinned table may be empty, paging_check says so */

static void begin(void)
{
    ram_start(16 * MIB);
    pinned = 0;
    frames_before = ram_free();
    assert_int_equal(paging_init(&paging), 0);
    assert_int_equal(paging.tables, 1);
}

/* What holds after every call, whatever it returned. */
static const char *trouble(void)
{
    if (pinned == 0 && paging_check(&paging, ram_told) != 0)
        return "paging_check tells something";
    if (walk_count_tables(paging.root) != paging.tables)
        return "paging.tables is not the number of tables";
    if (pmm_account().tables != paging.tables)
        return "tables were leaked";
    if (ram_free() + paging.tables != frames_before)
        return "frames were leaked";
    return host_tlb_verify();
}

static void assert_sound(void)
{
    const char *sentence = trouble();
    if (sentence != NULL)
        fail_msg("%s", sentence);
}

static int end(void **state)
{
    (void)state;
    ram_stop();
    return 0;
}

static int map(uintptr_t virt, uint64_t phys, uint64_t size, unsigned flags)
{
    return paging_map(&paging, virt, (phys_t){phys}, size, flags);
}

static void map_well(uintptr_t virt, uint64_t phys, uint64_t size, unsigned flags)
{
    assert_int_equal(map(virt, phys, size, flags), 0);
    assert_sound();
}

static void unmap_well(uintptr_t virt, uint64_t size)
{
    assert_int_equal(paging_unmap(&paging, virt, size, NULL), 0);
    assert_sound();
}

static int pin(uintptr_t virt, uint64_t size)
{
    int error = paging_pin(&paging, virt, size);
    pinned += error == 0;
    return error;
}

static void unpin(uintptr_t virt, uint64_t size)
{
    paging_unpin(&paging, virt, size);
    pinned--;
}

static void touch(uintptr_t virt)
{
    phys_t phys;
    host_tlb_touch(&paging, virt, &phys);
}

static void expect_page(uintptr_t virt, uint64_t phys, unsigned level, unsigned flags)
{
    struct walk walk = walk_tables(paging.root, virt);
    struct page page;
    phys_t translated;
    if (walk.wrong != NULL)
        fail_msg("0x%lx: %s", virt, walk.wrong);
    assert_true(walk.present);
    assert_int_equal(walk.phys.addr, phys);
    assert_int_equal(walk.level, level);
    assert_int_equal(walk.flags, flags);
    assert_true(paging_find(&paging, virt, &page));
    assert_int_equal(page.virt, virt & ~(paging_span(level) - 1));
    assert_int_equal(page.phys.addr, phys & ~(paging_span(level) - 1));
    assert_int_equal(page.level, level);
    assert_int_equal(page.flags, flags);
    assert_true(paging_translate(&paging, virt, &translated));
    assert_int_equal(translated.addr, phys);
}

static void expect_nothing(uintptr_t virt)
{
    struct page page;
    phys_t phys;
    assert_false(walk_tables(paging.root, virt).present);
    assert_false(paging_find(&paging, virt, &page));
    assert_false(paging_translate(&paging, virt, &phys));
}

static void expect_flushes(uint64_t pages, uint64_t all)
{
    assert_int_equal(host_flushes.pages, pages);
    assert_int_equal(host_flushes.all, all);
    host_flushes = (struct host_flushes){0};
}

/* Mapping */

static void nothing_is_mapped_at_first(void **state)
{
    (void)state;
    begin();
    expect_nothing(0);
    expect_nothing(BASE);
    expect_nothing(UINTPTR_MAX);
    assert_int_equal(paging_count(&paging, BASE, GIB), 0);
    assert_sound();
}

static void a_page_of_each_size_is_found(void **state)
{
    (void)state;
    begin();
    map_well(BASE, 0x5000, PAGE, RW);
    map_well(BASE + MID, 0x40000000, MID, RX);
    map_well(BASE + GIB, 0x80000000, GIB, PAGE_READ | PAGE_GLOBAL);
    expect_page(BASE + 0xfff, 0x5fff, 0, RW);
    expect_page(BASE + MID + 0x12345, 0x40012345, 1, RX);
    expect_page(BASE + GIB + 0x3fffffff, 0xbfffffff, 2, PAGE_READ | PAGE_GLOBAL);
    expect_nothing(BASE - 1);
    expect_nothing(BASE + 0x1000);
    expect_nothing(BASE + 2 * GIB);
    assert_int_equal(paging.tables, 1 + 1 + 1 + 1);
    assert_int_equal(paging_count(&paging, BASE, 2 * GIB), 1 + 512 + 262144);
    assert_int_equal(paging_count(&paging, BASE + MID + PAGE, 2 * PAGE), 2);
    expect_flushes(0, 0);
}

static void the_largest_pages_that_fit_are_used(void **state)
{
    (void)state;
    begin();
    uintptr_t start = BASE + GIB - MID - PAGE;
    map_well(start, 3 * GIB - MID - PAGE, 2 * GIB + 2 * (MID + PAGE), RW);
    expect_page(start, 3 * GIB - MID - PAGE, 0, RW);
    expect_page(start + PAGE, 3 * GIB - MID, 1, RW);
    expect_page(BASE + GIB, 3 * GIB, 2, RW);
    expect_page(BASE + 3 * GIB - 1, 5 * GIB - 1, 2, RW);
    expect_page(BASE + 3 * GIB, 5 * GIB, 1, RW);
    expect_page(BASE + 3 * GIB + MID, 5 * GIB + MID, 0, RW);
    expect_nothing(BASE + 3 * GIB + MID + PAGE);
    assert_int_equal(paging.tables, 1 + 1 + 2 + 2);
}

static void misaligned_physical_addresses_get_smaller_pages(void **state)
{
    (void)state;
    begin();
    map_well(BASE, GIB + MID, GIB, RW);
    expect_page(BASE, GIB + MID, 1, RW);
    expect_page(BASE + GIB - 1, 2 * GIB + MID - 1, 1, RW);
    map_well(BASE + GIB, PAGE, 2 * MID, RW);
    expect_page(BASE + GIB, PAGE, 0, RW);
    expect_page(BASE + GIB + 2 * MID - 1, 2 * MID + PAGE - 1, 0, RW);
}

static void without_1_gib_pages_there_are_2_mib_pages(void **state)
{
    (void)state;
    begin();
    host_has_gib_pages = false;
    map_well(BASE, GIB, 2 * GIB, RW);
    expect_page(BASE + 0x1234, GIB + 0x1234, 1, RW);
    expect_page(BASE + 2 * GIB - 1, 3 * GIB - 1, 1, RW);
    assert_int_equal(paging.tables, 1 + 1 + 2);
}

static void without_nx_everything_can_be_executed(void **state)
{
    (void)state;
    begin();
    host_has_nx = false;
    map_well(BASE, 0x1000, PAGE, RW);
    map_well(BASE + MID, 0x200000, MID, PAGE_READ);
    expect_page(BASE, 0x1000, 0, RW | PAGE_EXEC);
    expect_page(BASE + MID, 0x200000, 1, RX);
    assert_int_equal(paging_protect(&paging, BASE, 2 * MID, RW), 0);
    expect_page(BASE + MID, 0x200000, 1, RW | PAGE_EXEC);
}

static void each_flag_says_what_the_cpu_does(void **state)
{
    (void)state;
    begin();
    for (unsigned flags = 0; flags < 64; flags++) {
        uintptr_t virt = 0x400000 + flags * PAGE; /* lower half: users live there */
        if (!(flags & PAGE_READ))
            continue;
        map_well(virt, (uint64_t)flags << 12, PAGE, flags);
        expect_page(virt, (uint64_t)flags << 12, 0, flags);
        map_well(GIB + flags * MID, flags * MID, MID, flags);
        expect_page(GIB + flags * MID, flags * MID, 1, flags);
        struct paging_step steps[PAGING_LEVELS];
        assert_int_equal(paging_walk(&paging, virt, steps), 4);
        assert_int_equal(paging_entry_flags(steps[3].entry), flags);
    }
    unmap_well(0, 2 * GIB);
    assert_int_equal(paging.tables, 1);
}

static void a_page_without_access_keeps_its_frame(void **state)
{
    (void)state;
    begin();
    struct page page;
    phys_t phys;
    map_well(BASE, 0, PAGE, 0);
    map_well(BASE + MID, 8 * MID, MID, 0);
    for (uintptr_t virt = BASE; virt <= BASE + MID; virt += MID) {
        assert_false(walk_tables(paging.root, virt).present);
        assert_false(paging_translate(&paging, virt, &phys));
        assert_true(paging_find(&paging, virt, &page));
        assert_int_equal(page.flags & (RW | PAGE_USER), 0);
    }
    assert_int_equal(page.phys.addr, 8 * MID);
    assert_int_equal(page.level, 1);
    assert_int_equal(paging_count(&paging, BASE, 2 * MID), 513);
    assert_int_equal(paging_protect(&paging, BASE, 2 * MID, RW), 0);
    expect_flushes(0, 0);
    expect_page(BASE, 0, 0, RW);
    expect_page(BASE + MID + 5, 8 * MID + 5, 1, RW);
    assert_sound();
}

static void the_ends_of_both_halves_can_be_mapped(void **state)
{
    (void)state;
    begin();
    uintptr_t pages[] = {0, 0x00007ffffffff000, 0xffff800000000000, 0xfffffffffffff000};
    for (size_t i = 0; i < COUNT(pages); i++)
        map_well(pages[i], 0x1000 * i, PAGE, RW);
    for (size_t i = 0; i < COUNT(pages); i++)
        expect_page(pages[i] + 0xfff, 0x1000 * i + 0xfff, 0, RW);
    assert_int_equal(paging.tables, 1 + 4 * 3);
    for (size_t i = 0; i < COUNT(pages); i++)
        unmap_well(pages[i], PAGE);
    assert_int_equal(paging.tables, 1);
    map_well(0xffffff8000000000, 0, 512 * GIB, RW);
    expect_page(UINTPTR_MAX, 512 * GIB - 1, 2, RW);
    unmap_well(0xffffff8000000000, 512 * GIB);
    unmap_well(0, (uint64_t)1 << 47);
    unmap_well(0xffff800000000000, (uint64_t)1 << 47);
}

struct visits {
    uintptr_t next;
    unsigned count;
    uint64_t pages;
};

static void count_visit(void *context, const struct page *page)
{
    struct visits *visits = context;
    assert_true(page->virt >= visits->next);
    visits->next = page->virt + paging_span(page->level);
    visits->count++;
    visits->pages += paging_span(page->level) / PAGE_SIZE;
}

static void every_page_is_visited_in_order(void **state)
{
    (void)state;
    begin();
    struct visits visits = {0};
    map_well(BASE + GIB, 0, GIB, RW);
    map_well(BASE + 4 * MID, 0, MID, 0);
    map_well(0x1000, 0x1000, 3 * PAGE, RX);
    map_well(BASE, 0x1000, 2 * PAGE, RW);
    paging_visit(&paging, count_visit, &visits);
    assert_int_equal(visits.count, 3 + 2 + 1 + 1);
    assert_int_equal(visits.pages, 3 + 2 + 512 + 262144);
}

static void the_walk_ends_at_a_page_or_at_nothing(void **state)
{
    (void)state;
    begin();
    struct paging_step steps[PAGING_LEVELS];
    map_well(BASE + MID, MID, MID, RW);
    map_well(BASE + 5 * PAGE, 7 * PAGE, PAGE, RW);
    assert_int_equal(paging_walk(&paging, BASE + 5 * PAGE, steps), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(steps[i].level, 3 - i);
    assert_int_equal(steps[0].index, (BASE >> 39) & 511);
    assert_int_equal(steps[3].index, 5);
    assert_int_equal(steps[3].entry & 0x000ffffffffff001, 0x7001);
    assert_int_equal(paging_walk(&paging, BASE + 6 * PAGE, steps), 4);
    assert_int_equal(steps[3].entry & 1, 0);
    assert_int_equal(paging_walk(&paging, BASE + MID, steps), 3);
    assert_int_equal(paging_walk(&paging, BASE + GIB, steps), 2);
    assert_int_equal(paging_walk(&paging, 0, steps), 1);
    assert_int_equal(steps[0].entry & 1, 0);
}

/* Unmapping, splitting, protecting */

static uint64_t released[64];
static size_t released_count;

static void note_release(frame_t frame, unsigned order)
{
    assert_true(released_count < COUNT(released));
    released[released_count++] = frame.number << 8 | order;
    host_tlb_freed(frame, order);
}

static void unmapped_frames_are_released_once_and_after_the_flush(void **state)
{
    (void)state;
    begin();
    released_count = 0;
    map_well(BASE, GIB, PAGE, RW);
    map_well(BASE + 2 * PAGE, GIB + 9 * PAGE, PAGE, 0);
    map_well(BASE + MID, 2 * GIB, MID, RW);
    map_well(BASE + GIB, 8 * GIB, GIB, RW);
    for (uintptr_t virt = BASE; virt < BASE + 2 * GIB; virt += virt < BASE + 2 * MID ? PAGE : MID)
        touch(virt);
    assert_int_equal(paging_unmap(&paging, BASE - GIB, 4 * GIB, note_release), 0);
    assert_sound();
    assert_int_equal(released_count, 4);
    assert_int_equal(released[0], 0x40000ull << 8 | 0);
    assert_int_equal(released[1], 0x40009ull << 8 | 0);
    assert_int_equal(released[2], 0x80000ull << 8 | 9);
    assert_int_equal(released[3], 0x200000ull << 8 | 18);
    assert_int_equal(paging.tables, 1);
    assert_int_equal(paging_count(&paging, BASE, 2 * GIB), 0);
}

static void unmapping_nothing_is_fine(void **state)
{
    (void)state;
    begin();
    unmap_well(BASE, GIB);
    unmap_well(0, (uint64_t)1 << 47);
    assert_int_equal(paging_protect(&paging, BASE, GIB, RW), 0);
    map_well(BASE, 0, PAGE, RW);
    unmap_well(BASE + PAGE, GIB);
    expect_page(BASE, 0, 0, RW);
    expect_flushes(0, 0);
}

static void a_large_page_is_split_where_a_part_of_it_ends(void **state)
{
    (void)state;
    begin();
    map_well(BASE, 4 * GIB, GIB, RW);
    touch(BASE);
    touch(BASE + 5 * MID);
    unmap_well(BASE + 5 * MID + 3 * PAGE, 2 * PAGE);
    assert_int_equal(paging.tables, 1 + 1 + 1 + 1);
    expect_page(BASE, 4 * GIB, 1, RW);
    expect_page(BASE + 5 * MID + 2 * PAGE, 4 * GIB + 5 * MID + 2 * PAGE, 0, RW);
    expect_nothing(BASE + 5 * MID + 3 * PAGE);
    expect_nothing(BASE + 5 * MID + 4 * PAGE);
    expect_page(BASE + 5 * MID + 5 * PAGE, 4 * GIB + 5 * MID + 5 * PAGE, 0, RW);
    expect_page(BASE + GIB - 1, 5 * GIB - 1, 1, RW);
    assert_int_equal(paging_count(&paging, BASE, GIB), 262142);
}

static void a_large_page_without_access_is_split_too(void **state)
{
    (void)state;
    begin();
    struct page page;
    map_well(BASE, 4 * GIB, GIB, 0);
    assert_int_equal(paging_protect(&paging, BASE + MID + PAGE, PAGE, RW), 0);
    assert_sound();
    expect_page(BASE + MID + PAGE, 4 * GIB + MID + PAGE, 0, RW);
    assert_false(walk_tables(paging.root, BASE + MID).present);
    assert_true(paging_find(&paging, BASE + MID, &page));
    assert_int_equal(page.phys.addr, 4 * GIB + MID);
    assert_int_equal(page.level, 0);
    assert_int_equal(paging_count(&paging, BASE, GIB), 262144);
}

static void protection_changes_in_the_range_alone(void **state)
{
    (void)state;
    begin();
    map_well(BASE, MID, 4 * MID, RW);
    touch(BASE + MID);
    touch(BASE + 3 * MID);
    assert_int_equal(paging_protect(&paging, BASE + MID - PAGE, MID + 2 * PAGE, PAGE_READ), 0);
    assert_sound();
    expect_page(BASE + MID - PAGE - 1, 2 * MID - PAGE - 1, 0, RW);
    expect_page(BASE + MID - PAGE, 2 * MID - PAGE, 0, PAGE_READ);
    expect_page(BASE + MID, 2 * MID, 1, PAGE_READ);
    expect_page(BASE + 2 * MID, 3 * MID, 0, PAGE_READ);
    expect_page(BASE + 2 * MID + PAGE, 3 * MID + PAGE, 0, RW);
    expect_page(BASE + 3 * MID, 4 * MID, 1, RW);
}

static void tables_go_when_their_last_page_goes(void **state)
{
    (void)state;
    begin();
    map_well(BASE, 0, PAGE, RW);
    map_well(BASE + PAGE, 0, PAGE, 0);
    map_well(BASE + GIB, 0x3000, PAGE, RW);
    assert_int_equal(paging.tables, 1 + 1 + 2 + 2);
    unmap_well(BASE, PAGE);
    assert_int_equal(paging.tables, 1 + 1 + 2 + 2);
    unmap_well(BASE + PAGE, PAGE);
    assert_int_equal(paging.tables, 1 + 1 + 1 + 1);
    unmap_well(BASE + GIB, PAGE);
    assert_int_equal(paging.tables, 1);
    map_well(BASE, 0, GIB, RW);
    unmap_well(BASE, PAGE);
    unmap_well(BASE + PAGE, GIB - PAGE);
    assert_int_equal(paging.tables, 1);
}

/* Flushes */

static void each_page_that_changes_is_flushed_and_no_other(void **state)
{
    (void)state;
    begin();
    map_well(BASE, 0, 8 * PAGE, RW);
    expect_flushes(0, 0);
    assert_int_equal(paging_protect(&paging, BASE + PAGE, 3 * PAGE, PAGE_READ), 0);
    expect_flushes(3, 0);
    assert_int_equal(paging_protect(&paging, BASE + PAGE, 3 * PAGE, PAGE_READ), 0);
    expect_flushes(0, 0);
    assert_int_equal(paging_protect(&paging, BASE, 8 * PAGE, PAGE_READ), 0);
    expect_flushes(5, 0);
    assert_int_equal(paging_protect(&paging, BASE + 7 * PAGE, PAGE, 0), 0);
    expect_flushes(1, 0);
    unmap_well(BASE + 7 * PAGE, PAGE); /* was not present */
    expect_flushes(0, 0);
    unmap_well(BASE + 2 * PAGE, 20 * PAGE);
    expect_flushes(5, 0);
    unmap_well(BASE, PAGE);
    expect_flushes(1, 0);
    unmap_well(BASE + PAGE, PAGE); /* its tables go with it */
    expect_flushes(1, 0);
}

static void a_large_page_is_flushed_once(void **state)
{
    (void)state;
    begin();
    map_well(BASE, GIB, 2 * GIB, RW);
    map_well(BASE + 3 * GIB, 4 * GIB, MID, RW);
    touch(BASE + 77 * PAGE);
    touch(BASE + GIB + 5);
    assert_int_equal(paging_protect(&paging, BASE, 2 * GIB, PAGE_READ), 0);
    expect_flushes(2, 0);
    assert_sound();
    unmap_well(BASE, 4 * GIB);
    expect_flushes(3, 0);
}

static void many_pages_are_flushed_one_by_one_or_at_once(void **state)
{
    (void)state;
    begin();
    for (uint64_t pages = 1; pages < 1200; pages = pages * 3 / 2 + 1) {
        map_well(BASE, MID + PAGE, pages * PAGE, RW);
        for (uint64_t i = 0; i < pages; i++)
            touch(BASE + i * PAGE);
        host_flushes = (struct host_flushes){0};
        assert_int_equal(paging_protect(&paging, BASE, pages * PAGE, PAGE_READ), 0);
        assert_true(host_flushes.pages == pages ||
                    (host_flushes.all == 1 && host_flushes.pages == 0));
        assert_sound();
        host_flushes = (struct host_flushes){0};
        unmap_well(BASE, pages * PAGE); /* and once more for tables that go after their pages */
        assert_true(host_flushes.all + (host_flushes.pages > 0) <= 2);
    }
}

static void a_table_that_goes_alone_is_forgotten_by_the_cpu(void **state)
{
    (void)state;
    begin();
    map_well(BASE, 0, PAGE, 0);
    touch(BASE); /* faults, but the way there is cached */
    host_flushes = (struct host_flushes){0};
    unmap_well(BASE, PAGE);
    assert_int_equal(paging.tables, 1);
    assert_int_equal(host_flushes.pages + host_flushes.all, 1);
    assert_int_equal(pin(BASE, PAGE), 0);
    touch(BASE);
    unpin(BASE, PAGE);
    assert_sound();
}

/* Pins */

static void pinned_tables_stay_and_mapping_there_cannot_fail(void **state)
{
    (void)state;
    begin();
    uintptr_t start = BASE + MID - 3 * PAGE;
    uint64_t size = MID + 5 * PAGE;
    assert_int_equal(pin(start, size), 0);
    assert_sound();
    assert_int_equal(paging.tables, 1 + 1 + 1 + 3);
    ram_fail_after(0, true);
    map_well(start, GIB, size, RW);
    expect_page(start, GIB, 0, RW);
    expect_page(BASE + MID, GIB + 3 * PAGE, 0, RW);
    unmap_well(start, size);
    assert_int_equal(paging.tables, 1 + 1 + 1 + 3);
    map_well(start + size - PAGE, GIB, PAGE, RW);
    assert_false(ram_fail_never());
    unpin(start, size);
    assert_sound();
    assert_int_equal(paging.tables, 1 + 1 + 1 + 1);
    unmap_well(start, size);
    assert_int_equal(paging.tables, 1);
}

static void pins_nest(void **state)
{
    (void)state;
    begin();
    enum { DEPTH = 1000 };
    for (int i = 0; i < DEPTH; i++)
        assert_int_equal(pin(BASE + (uintptr_t)i % 512 * PAGE, PAGE), 0);
    map_well(BASE, PAGE, MID, RW);
    expect_page(BASE + 511 * PAGE, MID, 0, RW);
    unmap_well(BASE, MID);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(paging.tables, 4);
        unpin(BASE + (uintptr_t)i % 512 * PAGE, PAGE);
    }
    assert_int_equal(paging.tables, 1);
    assert_sound();
}

static void overlapping_pins_keep_what_any_of_them_needs(void **state)
{
    (void)state;
    begin();
    assert_int_equal(pin(BASE, 3 * MID), 0);
    assert_int_equal(pin(BASE + 2 * MID, 3 * MID), 0);
    assert_int_equal(paging.tables, 3 + 5);
    unpin(BASE, 3 * MID);
    assert_int_equal(paging.tables, 3 + 3);
    map_well(BASE + 2 * MID, PAGE, MID, RW);
    expect_page(BASE + 2 * MID, PAGE, 0, RW);
    unpin(BASE + 2 * MID, 3 * MID);
    assert_int_equal(paging.tables, 3 + 1);
    unmap_well(BASE, GIB);
    assert_int_equal(paging.tables, 1);
}

static void where_tables_are_pinned_no_large_page_is_mapped(void **state)
{
    (void)state;
    begin();
    assert_int_equal(pin(BASE + MID, PAGE), 0);
    map_well(BASE, GIB, 4 * MID, RW);
    expect_page(BASE, GIB, 1, RW);
    expect_page(BASE + MID, GIB + MID, 0, RW);
    expect_page(BASE + 2 * MID - 1, GIB + 2 * MID - 1, 0, RW);
    expect_page(BASE + 2 * MID, GIB + 2 * MID, 1, RW);
    unpin(BASE + MID, PAGE);
    unmap_well(BASE, GIB);
    assert_int_equal(paging.tables, 1);
}

/* Memory runs out: each operation, with the allocation of each table failing in turn. */

static int fail_map_pages(void)
{
    return map(BASE - 2 * PAGE, GIB + PAGE, 2 * MID, RW);
}

static int fail_map_mixed(void)
{
    return map(BASE + GIB - PAGE, 5 * GIB - PAGE, GIB + MID + 2 * PAGE, RW);
}

static int fail_map_beside(void)
{
    return map(BASE + 10 * GIB + PAGE, 0, 2 * MID, RW);
}

/* Scattered frames: each lies below the one before. */
static int map_frames(uintptr_t virt, size_t count, unsigned flags)
{
    static frame_t frames[2 * TABLE_ENTRIES];
    for (size_t i = 0; i < count; i++)
        frames[i].number = GIB / PAGE - 2 * i;
    return paging_map_frames(&paging, virt, frames, count, flags);
}

static int fail_map_frames(void)
{
    return map_frames(BASE - 2 * PAGE, TABLE_ENTRIES + 4, RW);
}

static int fail_unmap_middle_of_gib(void)
{
    return paging_unmap(&paging, BASE + 4 * GIB + MID + PAGE, PAGE, NULL);
}

static int fail_unmap_across_gibs(void)
{
    return paging_unmap(&paging, BASE + 5 * GIB - PAGE, 2 * PAGE, NULL);
}

static int fail_protect_across_gibs(void)
{
    return paging_protect(&paging, BASE + 5 * GIB - MID - PAGE, 2 * MID + 2 * PAGE, PAGE_READ);
}

static int fail_protect_2_mib(void)
{
    return paging_protect(&paging, BASE + 8 * GIB + PAGE, MID, 0);
}

static int fail_pin(void)
{
    return pin(BASE - 3 * MID, 6 * MID);
}

static int fail_pin_beside(void)
{
    return pin(BASE + 10 * GIB, 3 * MID);
}

static const struct {
    int (*operation)(void);
    unsigned tables; /* that it needs */
} fallible[] = {
    {fail_map_pages, 6},           {fail_map_mixed, 4},           {fail_map_beside, 2},
    {fail_map_frames, 6},          {fail_unmap_middle_of_gib, 2}, {fail_unmap_across_gibs, 4},
    {fail_protect_across_gibs, 4}, {fail_protect_2_mib, 2},       {fail_pin, 9},
    {fail_pin_beside, 2},
};

/* 2 GiB in large pages, 4 MiB in 2 MiB pages, and a page that shares tables. */
static void map_something(void)
{
    begin();
    map_well(BASE + 4 * GIB, 16 * GIB, 2 * GIB, RW);
    map_well(BASE + 8 * GIB, 3 * MID, 2 * MID, RW);
    map_well(BASE + 10 * GIB, 5 * PAGE, PAGE, RX);
}

static void expect_something_alone(uint64_t tables_more)
{
    assert_sound();
    assert_true(paging.tables <= 1 + 1 + 1 + 2 + tables_more);
    for (uint64_t at = 0; at < 2 * GIB; at += 511 * PAGE) {
        struct walk walk = walk_tables(paging.root, BASE + 4 * GIB + at);
        assert_int_equal(walk.phys.addr, 16 * GIB + at);
        assert_int_equal(walk.flags, RW);
    }
    for (uint64_t at = 0; at < 2 * MID; at += PAGE) {
        struct walk walk = walk_tables(paging.root, BASE + 8 * GIB + at);
        assert_int_equal(walk.phys.addr, 3 * MID + at);
        assert_int_equal(walk.flags, RW);
    }
    expect_page(BASE + 10 * GIB, 5 * PAGE, 0, RX);
    assert_int_equal(paging_count(&paging, BASE - 512 * GIB, 1024 * GIB), 2 * 262144 + 1024 + 1);
}

static void frames_are_mapped_one_by_one(void **state)
{
    (void)state;
    begin();
    assert_int_equal(map_frames(BASE + MID - 3 * PAGE, TABLE_ENTRIES + 6, RX), 0);
    assert_sound();
    for (size_t i = 0; i < TABLE_ENTRIES + 6; i++)
        expect_page(BASE + MID - 3 * PAGE + i * PAGE, GIB - 2 * i * PAGE, 0, RX);
    expect_nothing(BASE + MID - 4 * PAGE);
    expect_nothing(BASE + 2 * MID + 3 * PAGE);
    assert_int_equal(paging.tables, 6);
    expect_panic(map_frames(BASE + MID - 3 * PAGE, 2, RW), "0xffffd080001fd000 is mapped already");
    assert_int_equal(map_frames(BASE, 0, RW), 0);
    unmap_well(BASE, GIB);
}

static void a_failed_call_changes_no_translation(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fallible); i++)
        for (unsigned nth = 0; nth <= fallible[i].tables; nth++)
            for (int for_good = 0; for_good < 2; for_good++) {
                map_something();
                for (uint64_t at = 0; at < 11 * GIB; at += 77 * MID)
                    touch(BASE + at);
                ram_fail_after(nth, for_good);
                int error = fallible[i].operation();
                bool failed = ram_fail_never();
                assert_int_equal(failed, nth < fallible[i].tables);
                assert_int_equal(error, failed ? -ENOMEM : 0);
                if (failed)
                    expect_something_alone(i < 4 || i > 7 ? 0 : nth);
                assert_sound();
            }
}

static void what_failed_can_be_done_later_and_undone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fallible); i++) {
        map_something();
        for (unsigned nth = 0; nth < fallible[i].tables; nth++) {
            ram_fail_after(nth, true);
            int error = fallible[i].operation();
            if (!ram_fail_never())
                break; /* what it split before it failed stays split, so it needs less by and by */
            assert_int_equal(error, -ENOMEM);
        }
        unmap_well(BASE - GIB, 16 * GIB);
        assert_true(i > 7 || paging.tables == 1);
    }
}

static void no_frame_for_the_root_is_an_error(void **state)
{
    (void)state;
    ram_start(16 * MIB);
    uint64_t before = ram_free();
    ram_fail_after(0, true);
    assert_int_equal(paging_init(&paging), -ENOMEM);
    ram_fail_never();
    assert_int_equal(ram_free(), before);
}

static void unmapping_small_pages_cannot_fail(void **state)
{
    (void)state;
    begin();
    map_well(BASE, PAGE, 2 * MID, RW);
    ram_fail_after(0, true);
    unmap_well(BASE + PAGE, MID);
    unmap_well(BASE, 2 * MID);
    ram_fail_never();
    assert_int_equal(paging.tables, 1);
}

/* Misuse */

static void misuse_panics_with_the_value(void **state)
{
    (void)state;
    begin();
    map_well(BASE, 0, 2 * PAGE, RW);
    map_well(BASE + MID, 0, MID, 0);
    map_well(BASE + GIB, 0, GIB, RW);
    expect_panic(map(BASE + 0x123, 0, PAGE, RW), "0xffffd08000000123");
    expect_panic(map(BASE + 8 * PAGE, 0x801, PAGE, RW), "0x801");
    expect_panic(map(BASE + 8 * PAGE, 0, 0x1801, RW), "0x1801");
    expect_panic(map(BASE, 0x9000, PAGE, RW), "0xffffd08000000000");
    expect_panic(map(BASE - PAGE, 0x9000, 2 * PAGE, RW), "0xffffd08000000000");
    expect_panic(map(BASE + MID + 5 * PAGE, 0, PAGE, RW), "0xffffd08000205000");
    expect_panic(map(BASE + MID, 0, MID, RW), "0xffffd08000200000");
    expect_panic(map(BASE + GIB + 9 * MID, 0, MID, RW), "0xffffd08041200000");
    expect_panic(map(0x00007ffffffff000, 0, 2 * PAGE, RW), "0x7ffffffff000");
    expect_panic(map(0x0000800000000000, 0, PAGE, RW), "0x800000000000");
    expect_panic(map(0xffff7ffffffff000, 0, 2 * PAGE, RW), "0xffff7ffffffff000");
    expect_panic(map(0xfffffffffffff000, 0, 2 * PAGE, RW), "0xfffffffffffff000");
    expect_panic(paging_unmap(&paging, BASE + 1, PAGE, NULL), "0xffffd08000000001");
    expect_panic(paging_unmap(&paging, BASE, 0x777, NULL), "0x777");
    expect_panic(paging_unmap(&paging, 0x1000, UINTPTR_MAX - 0xfff, NULL), "0x1000");
    expect_panic(paging_protect(&paging, BASE + 0xfff, PAGE, RW), "0xffffd08000000fff");
    expect_panic(paging_protect(&paging, BASE, 0x10, RW), "0x10");
    expect_panic(pin(BASE + 0x10, PAGE), "0xffffd08000000010");
    expect_panic(unpin(BASE + 0x20, PAGE), "0xffffd08000000020");
}

/*
 * Random operations on a window of 3 GiB around a boundary of 512 GiB, against a model with an
 * entry for each 4 KiB. Physical addresses are chosen so that no frame is mapped twice.
 */

#define WINDOW       (BASE - GIB)
#define WINDOW_PAGES (3 * GIB / PAGE_SIZE)
#define UNMAPPED     UINT32_MAX

static uint32_t model_frame[WINDOW_PAGES];
static uint8_t model_flags[WINDOW_PAGES];

struct stretch {
    uint64_t first, count; /* pages of the window */
};

static uintptr_t virt_of(uint64_t page)
{
    return WINDOW + page * PAGE;
}

static uint64_t model_count(struct stretch stretch)
{
    uint64_t count = 0;
    for (uint64_t page = stretch.first; page < stretch.first + stretch.count; page++)
        count += model_frame[page] != UNMAPPED;
    return count;
}

/* A random operation: {what, {first page, count, flags, dice}}; the dice say what happens around
 * it.
 */
enum { MAP, UNMAP, PROTECT, PIN };
static const char *const kinds[] = {"MAP", "UNMAP", "PROTECT", "PIN"};

static struct stretch random_stretch(struct random *dice)
{
    static const uint64_t units[] = {1, 1, 1, 512, 512, 262144};
    uint64_t unit = units[random_below(dice, COUNT(units))];
    struct stretch stretch = {random_below(dice, WINDOW_PAGES / unit) * unit,
                              (1 + random_below(dice, 4)) * unit};
    if (unit == 1 && random_once_in(dice, 2)) /* near the edge of something large */
        stretch.first =
            (random_below(dice, WINDOW_PAGES / 512) * 512 + WINDOW_PAGES - random_below(dice, 4)) %
            WINDOW_PAGES;
    if (unit > 1 && random_once_in(dice, 3))
        stretch.first += random_below(dice, unit);
    if (unit > 1 && random_once_in(dice, 3))
        stretch.count -= random_below(dice, unit);
    return stretch;
}

static struct shrink_op make_operation(struct random *dice, uint64_t step)
{
    static const unsigned whats[] = {MAP, MAP, MAP, UNMAP, PROTECT, PIN};
    static const unsigned flags[] = {
        0, PAGE_READ, RW, RW, RX, RW | PAGE_GLOBAL, RW | PAGE_UNCACHED, RW | PAGE_WRITE_COMBINING};
    struct stretch stretch = random_stretch(dice);
    (void)step;
    return (struct shrink_op){
        .what = whats[random_below(dice, COUNT(whats))],
        .with = {stretch.first, stretch.count, flags[random_below(dice, COUNT(flags))],
                 random_next(dice)},
    };
}

/* Of an operation, cut off where the window ends. */
static struct stretch stretch_of(const struct shrink_op *op)
{
    uint64_t first = op->with[0], most = WINDOW_PAGES - first;
    uint64_t count = op->with[1] > 0 ? op->with[1] : 1;
    return (struct stretch){first, count < most ? count : most};
}

/* What the CPU makes of flags on this machine. */
static unsigned seen_flags(unsigned flags)
{
    return host_has_nx ? flags : flags | PAGE_EXEC;
}

/* NULL or how the walk and the model differ on every `stride`th of these pages. */
static const char *difference(struct stretch stretch, uint64_t stride)
{
    uint64_t end_page = stretch.first + stretch.count;
    if (paging_count(&paging, virt_of(stretch.first), stretch.count * PAGE) != model_count(stretch))
        return "paging_count is wrong";
    for (uint64_t page = stretch.first; page < end_page; page += stride) {
        struct walk walk = walk_tables(paging.root, virt_of(page));
        struct page found;
        bool mapped = model_frame[page] != UNMAPPED;
        bool readable = mapped && (model_flags[page] & PAGE_READ);
        if (walk.wrong != NULL)
            return walk.wrong;
        if (walk.present != readable)
            return readable ? "a page is missing" : "a page should not be there";
        if (readable && walk.phys.addr != (uint64_t)model_frame[page] << PAGE_SHIFT)
            return "a page is at another physical address";
        if (readable && walk.flags != seen_flags(model_flags[page]))
            return "a page has other flags";
        if (!mapped)
            continue;
        if (!paging_find(&paging, virt_of(page), &found) ||
            found.phys.addr + (virt_of(page) - found.virt) != (uint64_t)model_frame[page]
                                                                  << PAGE_SHIFT)
            return "paging_find is wrong";
    }
    return NULL;
}

/* Present pages of the stretch, each large one counted once; `*exact` iff all have 4 KiB. */
static uint64_t count_present(struct stretch stretch, bool *exact)
{
    uint64_t count = 0;
    *exact = true;
    for (uint64_t page = stretch.first; page < stretch.first + stretch.count;) {
        struct walk walk = walk_tables(paging.root, virt_of(page));
        uint64_t size = walk.size / PAGE_SIZE;
        *exact = *exact && !(walk.present && size > 1);
        count += walk.present;
        page += size - (page + WINDOW / PAGE_SIZE) % size;
    }
    return count;
}

static void touch_some(struct random *dice, struct stretch stretch)
{
    for (int i = 0; i < 12; i++)
        touch(virt_of(i < 8 ? stretch.first + random_below(dice, stretch.count)
                            : random_below(dice, WINDOW_PAGES)));
    host_flushes = (struct host_flushes){0};
}

static int do_map(struct random *dice, struct stretch stretch, unsigned flags)
{
    static const uint64_t shifts[] = {0, 512, 1, 262144 + 512 * 3};
    uint64_t kind = pinned > 0 ? 2 : random_below(dice, COUNT(shifts));
    if (model_count(stretch) != 0)
        return 0;
    uint64_t frame = (kind + 1) * 4 * GIB / PAGE_SIZE + shifts[kind] + stretch.first;
    int error = map(virt_of(stretch.first), frame << PAGE_SHIFT, stretch.count * PAGE, flags);
    for (uint64_t i = 0; i < stretch.count && error == 0; i++) {
        model_frame[stretch.first + i] = (uint32_t)(frame + i);
        model_flags[stretch.first + i] = (uint8_t)flags;
    }
    assert_true(error != 0 || host_flushes.pages + host_flushes.all == 0);
    return error;
}

static uint64_t released_hash;

static uint64_t hash(uint64_t frame)
{
    struct random random = {.state = frame};
    return random_next(&random);
}

static void hash_release(frame_t frame, unsigned order)
{
    host_tlb_freed(frame, order);
    for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
        released_hash += hash(frame.number + i);
}

/* A call that changed `changed` present pages, all of 4 KiB if `exact`, has flushed each of them by
 * one page flush, or has flushed everything, at most once for each 32 of them. Tables that went
 * without any page of theirs may have needed a flush of their own, one for each 64 pages. */
static void check_flushes(uint64_t changed, bool exact, uint64_t unmapped)
{
    uint64_t for_tables = unmapped == 0 ? 0 : 1 + unmapped / 64;
    if (!exact)
        return;
    assert_true(host_flushes.pages <= changed + for_tables);
    assert_true(host_flushes.all <= (changed + 31) / 32);
    assert_true(host_flushes.all > 0 || host_flushes.pages >= changed);
}

static int do_unmap(struct stretch stretch)
{
    bool exact;
    uint64_t expected = 0, changed = count_present(stretch, &exact);
    uint64_t unmapped = model_count(stretch);
    for (uint64_t page = stretch.first; page < stretch.first + stretch.count; page++)
        expected += model_frame[page] != UNMAPPED ? hash(model_frame[page]) : 0;
    released_hash = 0;
    int error = paging_unmap(&paging, virt_of(stretch.first), stretch.count * PAGE, hash_release);
    assert_true(released_hash == (error == 0 ? expected : 0));
    if (error != 0)
        return error;
    for (uint64_t page = stretch.first; page < stretch.first + stretch.count; page++)
        model_frame[page] = UNMAPPED;
    check_flushes(changed, exact, unmapped);
    return 0;
}

static int do_protect(struct stretch stretch, unsigned flags)
{
    bool exact;
    count_present(stretch, &exact);
    int error = paging_protect(&paging, virt_of(stretch.first), stretch.count * PAGE, flags);
    uint64_t changed = 0;
    for (uint64_t page = stretch.first; page < stretch.first + stretch.count && error == 0;
         page++) {
        if (model_frame[page] == UNMAPPED)
            continue;
        changed += (model_flags[page] & PAGE_READ) && model_flags[page] != flags;
        model_flags[page] = (uint8_t)flags;
    }
    if (error == 0 && host_has_nx) /* else pages that differ in PAGE_EXEC alone are the same */
        check_flushes(changed, exact, 0);
    return error;
}

static struct stretch pins[4];

static bool has_large_page(struct stretch stretch)
{
    struct page page;
    for (uint64_t at = stretch.first; at < stretch.first + stretch.count; at++)
        if (paging_find(&paging, virt_of(at), &page) && page.level > 0)
            return true;
    return false;
}

static int do_pin(struct random *dice, struct stretch stretch)
{
    struct stretch *chosen = &pins[random_below(dice, COUNT(pins))];
    if (chosen->count != 0) {
        assert_true(!has_large_page(*chosen));
        unpin(virt_of(chosen->first), chosen->count * PAGE);
        chosen->count = 0;
        return 0;
    }
    stretch.count = stretch.count < 2000 ? stretch.count : 2000;
    if (has_large_page(stretch))
        return 0;
    int error = pin(virt_of(stretch.first), stretch.count * PAGE);
    if (error == 0)
        *chosen = stretch;
    return error;
}

static int perform(unsigned what, struct random *dice, struct stretch stretch, unsigned flags)
{
    switch (what) {
    case MAP:
        return do_map(dice, stretch, flags);
    case UNMAP:
        return do_unmap(stretch);
    case PROTECT:
        return do_protect(stretch, flags);
    default:
        return do_pin(dice, stretch);
    }
}

static void apply_operation(const struct shrink_op *op)
{
    struct random dice = {.state = op->with[3]};
    struct stretch stretch = stretch_of(op);
    bool may_fail = random_once_in(&dice, 4);
    touch_some(&dice, stretch);
    if (may_fail)
        ram_fail_after(random_below(&dice, 4), random_once_in(&dice, 2));
    int error = perform(op->what, &dice, stretch, (unsigned)op->with[2]);
    assert_int_equal(error, ram_fail_never() && may_fail ? -ENOMEM : 0);
    assert_silent(difference(stretch, stretch.count < 5000 ? 1 : 61));
    assert_silent(trouble());
}

static bool window_gib_pages = true, window_nx = true; /* of the machine that begins */

static void begin_window(void)
{
    begin();
    host_has_gib_pages = window_gib_pages;
    host_has_nx = window_nx;
    memset(model_frame, 0xff, sizeof model_frame);
    memset(pins, 0, sizeof pins);
}

static void check_window(void)
{
    const struct stretch all = {0, WINDOW_PAGES};
    struct visits visits = {0};
    assert_silent(difference(all, 1));
    paging_visit(&paging, count_visit, &visits);
    assert_int_equal(visits.pages, model_count(all));
}

static void finish_window(void)
{
    for (size_t i = 0; i < COUNT(pins); i++)
        if (pins[i].count != 0)
            unpin(virt_of(pins[i].first), pins[i].count * PAGE);
    unmap_well(WINDOW, 3 * GIB);
    assert_int_equal(paging.tables, 1);
}

static const struct shrink_test operations = {
    .name = "operations",
    .kinds = kinds,
    .begin = begin_window,
    .make = make_operation,
    .apply = apply_operation,
    .check = check_window,
    .check_every = 500,
    .finish = finish_window,
};

static void run_window(bool gib_pages, bool nx)
{
    window_gib_pages = gib_pages;
    window_nx = nx;
    shrink_random(&operations, random_steps(800));
}

static void random_operations_agree_with_an_entry_for_each_page(void **state)
{
    (void)state;
    run_window(true, true);
}

static void random_operations_agree_without_1_gib_pages_and_nx(void **state)
{
    (void)state;
    run_window(false, true);
    run_window(true, false);
    run_window(false, false);
}

/* The checker: each row damages one thing, and the checker must say just that. */

static uint64_t *entry_at(uintptr_t virt, unsigned level)
{
    uint64_t *table = machine_phys_to_virt(paging.root);
    for (unsigned above = PAGING_LEVELS - 1; above > level; above--)
        table = entry_table(table[entry_index(virt, above)]);
    return &table[entry_index(virt, level)];
}

static void miscount_a_table(void)
{
    *entry_at(BASE, 1) += ENTRY_ONE;
}

static void miscount_a_table_of_tables(void)
{
    *entry_at(BASE, 3) -= ENTRY_ONE;
}

static void empty_a_table(void)
{
    *entry_at(BASE, 0) = 0;
    *entry_at(BASE, 1) -= ENTRY_ONE;
}

static void disown_a_page(void)
{
    *entry_at(BASE, 0) &= ~ENTRY_PAGE;
}

static void disown_a_large_page(void)
{
    *entry_at(BASE + MID, 1) &= ~ENTRY_PAGE;
}

static void misalign_a_large_page(void)
{
    *entry_at(BASE + MID, 1) += PAGE;
}

static void miscount_the_tables(void)
{
    paging.tables++;
}

static const struct {
    void (*damage)(void);
    const char *sentence;
} damages[] = {
    {miscount_a_table, "the table for 0xffffd08000000000 is said to have 2 entries and has 1\n"},
    {miscount_a_table_of_tables,
     "the table for 0xffffd08000000000 is said to have 0 entries and has 1\n"},
    {empty_a_table, "the table for 0xffffd08000000000 is empty\n"},
    {disown_a_page,
     "the entry for 0xffffd08000000000, 0x8000000000005063, was not made by paging\n"},
    {disown_a_large_page,
     "the entry for 0xffffd08000200000, 0x80000000400000e3, was not made by paging\n"},
    {misalign_a_large_page, "the page at 0xffffd08000200000 maps a misaligned physical address\n"},
    {miscount_the_tables, "5 tables are counted, there are 4\n"},
};

static void the_checker_sees_each_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(damages); i++) {
        begin();
        map_well(BASE, 0x5000, PAGE, RW);
        map_well(BASE + MID, 0x40000000, MID, RW);
        damages[i].damage();
        size_t violations = paging_check(&paging, told_collect);
        told_expect(violations, damages[i].sentence);
        assert_int_equal(violations, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_mapped_at_first, end),
        cmocka_unit_test_teardown(a_page_of_each_size_is_found, end),
        cmocka_unit_test_teardown(the_largest_pages_that_fit_are_used, end),
        cmocka_unit_test_teardown(misaligned_physical_addresses_get_smaller_pages, end),
        cmocka_unit_test_teardown(without_1_gib_pages_there_are_2_mib_pages, end),
        cmocka_unit_test_teardown(without_nx_everything_can_be_executed, end),
        cmocka_unit_test_teardown(each_flag_says_what_the_cpu_does, end),
        cmocka_unit_test_teardown(a_page_without_access_keeps_its_frame, end),
        cmocka_unit_test_teardown(the_ends_of_both_halves_can_be_mapped, end),
        cmocka_unit_test_teardown(every_page_is_visited_in_order, end),
        cmocka_unit_test_teardown(the_walk_ends_at_a_page_or_at_nothing, end),
        cmocka_unit_test_teardown(unmapped_frames_are_released_once_and_after_the_flush, end),
        cmocka_unit_test_teardown(unmapping_nothing_is_fine, end),
        cmocka_unit_test_teardown(a_large_page_is_split_where_a_part_of_it_ends, end),
        cmocka_unit_test_teardown(a_large_page_without_access_is_split_too, end),
        cmocka_unit_test_teardown(protection_changes_in_the_range_alone, end),
        cmocka_unit_test_teardown(tables_go_when_their_last_page_goes, end),
        cmocka_unit_test_teardown(each_page_that_changes_is_flushed_and_no_other, end),
        cmocka_unit_test_teardown(a_large_page_is_flushed_once, end),
        cmocka_unit_test_teardown(many_pages_are_flushed_one_by_one_or_at_once, end),
        cmocka_unit_test_teardown(a_table_that_goes_alone_is_forgotten_by_the_cpu, end),
        cmocka_unit_test_teardown(pinned_tables_stay_and_mapping_there_cannot_fail, end),
        cmocka_unit_test_teardown(pins_nest, end),
        cmocka_unit_test_teardown(overlapping_pins_keep_what_any_of_them_needs, end),
        cmocka_unit_test_teardown(frames_are_mapped_one_by_one, end),
        cmocka_unit_test_teardown(a_failed_call_changes_no_translation, end),
        cmocka_unit_test_teardown(what_failed_can_be_done_later_and_undone, end),
        cmocka_unit_test_teardown(no_frame_for_the_root_is_an_error, end),
        cmocka_unit_test_teardown(unmapping_small_pages_cannot_fail, end),
        cmocka_unit_test_teardown(misuse_panics_with_the_value, end),
        cmocka_unit_test_teardown(the_checker_sees_each_damage, end),
        cmocka_unit_test_teardown(random_operations_agree_with_an_entry_for_each_page, end),
        cmocka_unit_test_teardown(random_operations_agree_without_1_gib_pages_and_nx, end),
        cmocka_unit_test_teardown(where_tables_are_pinned_no_large_page_is_mapped, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/kmalloc_sites.c, and that kmalloc tells it of everything. */
#include "kernel/mm/kmalloc_sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/mm/kmalloc.h"
#include "lib/addr.h"
#include "lib/alloc/heap_port.h"
#include "tests/host/expect.h"
#include "tests/host/ram.h"

#define ALLOCATOR ((const void *)0x1001) /* callers, named by the address before */
#define FREER     ((const void *)0x2001)
#define MANY      100000

static char text[200];

static void a_block_has_a_history(void **state)
{
    (void)state;
    const char *block = (const char *)0x10000;
    assert_int_equal(kmalloc_sites_explain(block, text, sizeof text), 0);
    kmalloc_sites_alloc(block, 100, ALLOCATOR);
    kmalloc_sites_explain(block, text, sizeof text);
    assert_string_equal(text, "allocated by 0x1000");
    kmalloc_sites_explain(block + 99, text, sizeof text);
    assert_string_equal(text, "allocated by 0x1000");
    assert_int_equal(kmalloc_sites_explain(block + 100, text, sizeof text), 0);
    kmalloc_sites_free(block, FREER);
    kmalloc_sites_explain(block, text, sizeof text);
    assert_string_equal(text, "allocated by 0x1000, freed by 0x2000");
    kmalloc_sites_alloc(block, 50, FREER);
    kmalloc_sites_explain(block, text, sizeof text);
    assert_string_equal(text, "allocated by 0x2000");
    kmalloc_sites_free(block, FREER);
}

static void live_blocks_are_counted_by_site(void **state)
{
    (void)state;
    struct kmalloc_site sites[3];
    kmalloc_sites_alloc((void *)0x30000, 1, (void *)5);
    kmalloc_sites_mark();
    assert_int_equal(kmalloc_sites_live(sites, 3), 0);
    for (uintptr_t i = 1; i <= 4; i++)
        kmalloc_sites_alloc((void *)(0x10000 * i + 16), 10 * i, i == 2 ? FREER : ALLOCATOR);
    kmalloc_sites_free((void *)0x10010, FREER);
    assert_int_equal(kmalloc_sites_live(sites, 3), 2);
    assert_ptr_equal(sites[0].caller, ALLOCATOR);
    assert_int_equal(sites[0].blocks, 2);
    assert_int_equal(sites[0].bytes, 70);
    assert_ptr_equal(sites[1].caller, FREER);
    assert_ptr_equal(sites[1].newest, 0x20010);
    assert_int_equal(kmalloc_sites_live(sites, 1), 1);
    for (uintptr_t i = 2; i <= 4; i++)
        kmalloc_sites_free((void *)(0x10000 * i + 16), FREER);
    assert_int_equal(kmalloc_sites_live(sites, 3), 0);
    kmalloc_sites_free((void *)0x30000, FREER);
}

/* Live ones stay, later ones are counted. */
static void a_full_table_loses_what_comes_last(void **state)
{
    (void)state;
    uint64_t before = kmalloc_sites_lost(), known = 0;
    for (uintptr_t i = 1; i <= MANY; i++)
        kmalloc_sites_alloc((void *)(i * 64), 64, ALLOCATOR);
    uint64_t lost = kmalloc_sites_lost() - before;
    assert_in_range(lost, MANY / 2, MANY - 1);
    for (uintptr_t i = 1; i <= MANY; i++) {
        char first[4];
        known += kmalloc_sites_explain((void *)(i * 64), first, sizeof first) > 0;
        kmalloc_sites_free((void *)(i * 64), FREER);
    }
    assert_int_equal(known, MANY - lost);
    kmalloc_sites_alloc((void *)64, 64, ALLOCATOR);
    assert_true(kmalloc_sites_explain((void *)64, text, sizeof text) > 0);
    kmalloc_sites_free((void *)64, FREER);
}

static void kmalloc_tells_who_allocated_and_who_freed(void **state)
{
    (void)state;
    struct kmalloc_site site;
    ram_start(64 * MIB);
    host_heap_debug = true;
    kmalloc_init();
    kmalloc_sites_mark();
    char *block = kmalloc(100, 0);
    expect_panic(kfree(block + 16), "into a live block of 100 bytes");
    assert_non_null(strstr(expect_message, "; allocated by 0x"));
    block = krealloc(block, 5000, 0);
    assert_int_equal(kmalloc_sites_live(&site, 1), 1);
    assert_int_equal(site.bytes, 5000);
    assert_ptr_equal(site.newest, block);
    kfree_sized(block, 5000);
    expect_panic(kfree(block), "is already free");
    assert_non_null(strstr(expect_message, "; allocated by 0x"));
    assert_non_null(strstr(expect_message, ", freed by 0x"));
    kfree(kcalloc(3, 5, 0));
    kfree(kmalloc_aligned(100, 64, 0));
    kfree(kmalloc(100, KM_DMA32));
    assert_int_equal(kmalloc_sites_live(&site, 1), 0);
    host_heap_debug = false;
    ram_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_has_a_history),
        cmocka_unit_test(live_blocks_are_counted_by_site),
        cmocka_unit_test(a_full_table_loses_what_comes_last),
        cmocka_unit_test(kmalloc_tells_who_allocated_and_who_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Explores kernel/mm/paging.c against a CPU that walks the tables at the same time, as another CPU
 * or a speculative access does: at every moment it finds the right page or none, never a table that
 * is not yet filled. The walk loads with acquire, since x86 does not reorder loads. Tables come
 * from an array: who gets them is not the subject.
 */
#include "kernel/mm/paging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/mm/paging_entry.h"
#include "kernel/mm/pmm.h"
#include "tests/explore/explore.h"

#define TABLES 8
#define VIRT   ((uintptr_t)0xffffd08000000000)
#define PHYS   ((phys_t){0x40000000})
#define RW     (PAGE_READ | PAGE_WRITE)
#define MID    ((uint64_t)2 << 20)

static uint64_t tables[TABLES][TABLE_ENTRIES] __attribute__((aligned(4096)));
static unsigned table_count;
static struct paging paging;

/* --- paging's world ----------------------------------------------------------------------------*/

bool host_has_gib_pages, host_has_nx = true;

struct pmm pmm = {.grown_up = true};

unsigned frame_home_cpu(void)
{
    return 0;
}

frame_t frame_alloc(struct frames *frames, struct frame_request request)
{
    (void)frames;
    (void)request;
    explore_assert(table_count < TABLES);
    memset(tables[table_count], 0, sizeof tables[table_count]);
    return (frame_t){table_count++};
}

void frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    (void)frames;
    (void)frame;
    (void)order;
}

frame_t pmm_early_alloc(struct frame_request request)
{
    (void)request;
    explore_fail("paging allocates in the first life");
}

frame_t pmm_alloc_from_reserve(struct frame_request request)
{
    (void)request;
    explore_fail("paging runs out of frames");
}

bool pmm_early_free(frame_t frame)
{
    (void)frame;
    explore_fail("paging frees in the first life");
}

void *machine_phys_to_virt(phys_t phys)
{
    return (unsigned char *)tables + phys.addr;
}

void machine_flush(const struct machine_flush *flush)
{
    (void)flush;
}

/* --- the walking CPU ---------------------------------------------------------------------------*/

/* The physical address that the CPU finds behind `virt`; false if it would fault. */
static bool walk(uintptr_t virt, phys_t *phys)
{
    uint64_t *table = tables[frame_of_phys(paging.root).number];
    for (unsigned level = PAGING_LEVELS; level-- > 0;) {
        unsigned index = virt / paging_span(level) % TABLE_ENTRIES;
        uint64_t entry = __atomic_load_n(&table[index], __ATOMIC_ACQUIRE);
        if (!(entry & ENTRY_PRESENT))
            return false;
        phys->addr = (entry & ENTRY_FRAME) + virt % paging_span(level);
        if (entry_is_page(entry, level))
            return true;
        explore_assert((entry & ENTRY_FRAME) < sizeof tables);
        table = machine_phys_to_virt(entry_phys(entry));
    }
    return false;
}

static void find_page_or_none(unsigned id)
{
    (void)id;
    phys_t phys;
    if (walk(VIRT, &phys))
        explore_assert(phys.addr == PHYS.addr);
}

static void find_last_page(unsigned id)
{
    (void)id;
    phys_t phys;
    explore_assert(walk(VIRT + MID - PAGE_SIZE, &phys));
    explore_assert(phys.addr == PHYS.addr + MID - PAGE_SIZE);
}

/* --- what is done meanwhile --------------------------------------------------------------------*/

static void set_up(void)
{
    table_count = 0;
    paging_init(&paging);
}

static void set_up_page(void)
{
    set_up();
    paging_map(&paging, VIRT, PHYS, PAGE_SIZE, RW);
}

static void set_up_large_page(void)
{
    set_up();
    paging_map(&paging, VIRT, PHYS, MID, RW);
}

static void map(unsigned id)
{
    (void)id;
    paging_map(&paging, VIRT, PHYS, PAGE_SIZE, RW);
}

static void unmap(unsigned id)
{
    (void)id;
    paging_unmap(&paging, VIRT, PAGE_SIZE, NULL);
}

static void protect(unsigned id)
{
    (void)id;
    paging_protect(&paging, VIRT, PAGE_SIZE, PAGE_READ);
}

static void explore(const char *name, void (*setup)(void), void (*body)(unsigned),
                    void (*walker)(unsigned))
{
    struct explore_test test = {.name = name, .setup = setup, .thread = {body, walker}};
    assert_true(explore_passes(&test));
    test.memory = EXPLORE_TSO;
    assert_true(explore_passes(&test));
}

static void a_walk_during_map_finds_the_page_or_none(void **state)
{
    (void)state;
    explore("map", set_up, map, find_page_or_none);
}

static void a_walk_during_unmap_finds_the_page_or_none(void **state)
{
    (void)state;
    explore("unmap", set_up_page, unmap, find_page_or_none);
}

static void a_walk_during_protect_finds_the_page(void **state)
{
    (void)state;
    explore("protect", set_up_large_page, protect, find_last_page);
}

static void a_walk_during_a_split_finds_the_rest_of_the_page(void **state)
{
    (void)state;
    explore("split", set_up_large_page, unmap, find_last_page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_during_map_finds_the_page_or_none),
        cmocka_unit_test(a_walk_during_unmap_finds_the_page_or_none),
        cmocka_unit_test(a_walk_during_protect_finds_the_page),
        cmocka_unit_test(a_walk_during_a_split_finds_the_rest_of_the_page),
    };
    return cmocka_run_group_tests_name("paging_explore", tests, NULL, NULL);
}

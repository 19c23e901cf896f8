/* SPDX-License-Identifier: MIT */
/* Tests kernel/acpi_numa.c on tables built by hand, sound and not. */
#include "kernel/acpi_numa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/random.h"
#include "tests/host/table.h"

#define SRAT_HEADER 48
#define SLIT_HEADER 44
#define ENABLED     1

static struct numa numa;
static struct acpi_table slit;

static int begin(void **state)
{
    (void)state;
    table_begin(3, SRAT_HEADER);
    return 0;
}

static int end(void **state)
{
    (void)state;
    table_end();
    return 0;
}

static void add_memory(uint32_t domain, uint64_t start, uint64_t bytes, uint32_t flags)
{
    size_t at = table_add(1, 40);
    table_put(at + 2, domain, 4);
    table_put(at + 8, start, 8);
    table_put(at + 16, bytes, 8);
    table_put(at + 28, flags, 4);
}

static void add_cpu(uint32_t domain, uint8_t apic_id, uint32_t flags)
{
    size_t at = table_add(0, 16);
    table_put(at + 2, domain, 1);
    table_put(at + 3, apic_id, 1);
    table_put(at + 4, flags, 4);
    table_put(at + 9, domain >> 8, 3);
}

static void add_x2apic_cpu(uint32_t domain, uint32_t apic_id)
{
    size_t at = table_add(2, 24);
    table_put(at + 4, domain, 4);
    table_put(at + 8, apic_id, 4);
    table_put(at + 12, ENABLED, 4);
}

static void read_tables(void)
{
    numa_read(&numa, table_get(), slit.data == NULL ? NULL : &slit);
}

/* A SLIT of `side` domains with these distances. */
static void make_slit(uint64_t side, const uint8_t *distances)
{
    size_t bytes = SLIT_HEADER + side * side;
    unsigned char *data = calloc(1, bytes);
    assert_non_null(data);
    memcpy(data + 36, &side, sizeof side);
    memcpy(data + SLIT_HEADER, distances, side * side);
    slit = (struct acpi_table){.bytes = (uint32_t)bytes, .data = data};
}

static void drop_slit(void)
{
    free((void *)slit.data);
    slit.data = NULL;
}

static unsigned node_of(uint64_t phys)
{
    return numa_node_of(&numa, frame_of_phys((phys_t){phys}));
}

static void without_tables_there_is_one_node(void **state)
{
    (void)state;
    numa_read(&numa, NULL, NULL);
    assert_int_equal(numa.nodes, 1);
    assert_int_equal(numa.range_count, 0);
    assert_int_equal(numa.distance[0][0], NUMA_NEAR);
    assert_int_equal(node_of(0x123456000), 0);
}

static void domains_become_nodes_as_they_are_met(void **state)
{
    (void)state;
    add_memory(70000, 0x100000000, 0x1000000, ENABLED);
    add_memory(5, 0, 0xa0000, ENABLED);
    add_memory(5, 0x100000, 0x1000000, ENABLED);
    add_memory(6, 0x200000000, 0x1000000, 0);
    add_cpu(5, 0, ENABLED);
    add_cpu(70000, 1, ENABLED);
    add_cpu(9, 2, 0);
    add_x2apic_cpu(70000, 3);
    add_x2apic_cpu(11, 3000);
    read_tables();
    assert_int_equal(numa.nodes, 3);
    assert_int_equal(numa.domain[0], 70000);
    assert_int_equal(numa.domain[1], 5);
    assert_int_equal(numa.domain[2], 11);
    assert_int_equal(numa.cpu_node[0], 1);
    assert_int_equal(numa.cpu_node[1], 0);
    assert_int_equal(numa.cpu_node[3], 0);
    assert_int_equal(numa.range_count, 3);
    assert_int_equal(node_of(0x100000000), 0);
    assert_int_equal(node_of(0x9f000), 1);
    assert_int_equal(node_of(0xa0000), 0);
    assert_int_equal(numa.distance[0][1], NUMA_FAR);
}

static void domains_of_old_tables_have_8_bits(void **state)
{
    (void)state;
    table_begin(1, SRAT_HEADER);
    add_memory(0xabcdef03, 0, 0x1000, ENABLED);
    add_cpu(0xabcd03, 7, ENABLED);
    read_tables();
    assert_int_equal(numa.nodes, 1);
    assert_int_equal(numa.domain[0], 3);
}

static void memory_is_rounded_to_whole_frames(void **state)
{
    (void)state;
    add_memory(1, 0x1800, 0x2800, ENABLED);
    add_memory(1, 0x9001, 0xffe, ENABLED);
    add_memory(1, UINT64_MAX - 0x1fff, UINT64_MAX, ENABLED);
    read_tables();
    assert_int_equal(numa.range_count, 2);
    assert_int_equal(numa.range[0].start.number, 2);
    assert_int_equal(numa.range[0].end.number, 4);
    assert_int_equal(numa.range[1].end.number, UINT64_MAX >> PAGE_SHIFT);
}

static void distances_are_looked_up_by_domain(void **state)
{
    (void)state;
    static const uint8_t distances[] = {10, 11, 12, 21, 10, 23, 31, 32, 10};
    add_memory(2, 0, 0x1000, ENABLED);
    add_memory(0, 0x1000, 0x1000, ENABLED);
    add_memory(8, 0x2000, 0x1000, ENABLED);
    make_slit(3, distances);
    read_tables();
    drop_slit();
    assert_int_equal(numa.distance[0][1], 31);
    assert_int_equal(numa.distance[1][0], 12);
    assert_int_equal(numa.distance[0][0], 10);
    assert_int_equal(numa.distance[0][2], NUMA_FAR);
}

static void a_slit_that_contradicts_the_standard_is_not_believed(void **state)
{
    (void)state;
    static const uint8_t near_itself[] = {11, 30, 30, 10}, too_near[] = {10, 10, 30, 10};
    static const uint8_t sound[] = {10, 30, 30, 10};
    add_memory(0, 0, 0x1000, ENABLED);
    add_memory(1, 0x1000, 0x1000, ENABLED);
    const uint8_t *const bad[] = {near_itself, too_near};
    for (unsigned i = 0; i < 2; i++) {
        make_slit(2, bad[i]);
        read_tables();
        drop_slit();
        assert_int_equal(numa.distance[0][1], NUMA_FAR);
    }
    make_slit(2, sound);
    slit.bytes--;
    read_tables();
    drop_slit();
    assert_int_equal(numa.distance[0][1], NUMA_FAR);
}

static void a_slit_of_absurd_size_is_not_believed(void **state)
{
    (void)state;
    static const uint64_t sides[] = {0, 65536, (uint64_t)1 << 32, UINT64_MAX};
    static const uint8_t one[] = {10};
    for (unsigned i = 0; i < 4; i++) {
        make_slit(1, one);
        memcpy((char *)slit.data + 36, &sides[i], sizeof sides[i]);
        read_tables();
        drop_slit();
        assert_int_equal(numa.nodes, 1);
    }
}

static void more_domains_than_nodes_share_the_last(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUMA_NODES_MAX + 3; i++)
        add_memory(i, (uint64_t)i << 20, 1 << 20, ENABLED);
    read_tables();
    assert_int_equal(numa.nodes, NUMA_NODES_MAX);
    assert_int_equal(node_of((uint64_t)(NUMA_NODES_MAX + 2) << 20), NUMA_NODES_MAX - 1);
}

static void nonsense_is_survived(void **state)
{
    (void)state;
    struct random random = random_start();
    for (unsigned round = 0; round < random_steps(2000); round++) {
        size_t bytes = SRAT_HEADER + random_below(&random, 400);
        table_begin((uint8_t)random_below(&random, 4), bytes);
        for (size_t at = SRAT_HEADER; at < bytes; at++)
            table_put(at, random_below(&random, at % 3 == 0 ? 256 : 41), 1);
        numa_read(&numa, table_get(), table_get());
        assert_in_range(numa.nodes, 1, NUMA_NODES_MAX);
        for (size_t i = 0; i < numa.range_count; i++) {
            assert_true(numa.range[i].start.number < numa.range[i].end.number);
            assert_true(numa.range[i].node < numa.nodes);
        }
    }
}

/* Ranges as the frame allocator takes them. */

static struct frame_range out[NUMA_RANGES_MAX];

static void has_memory(uint64_t start, uint64_t end, unsigned node)
{
    numa.range[numa.range_count++] = (struct numa_range){{start}, {end}, node};
}

static void expect(size_t i, uint64_t start, uint64_t end)
{
    assert_int_equal(out[i].start.number, start);
    assert_int_equal(out[i].end.number, end);
}

static void each_node_has_its_own_in_order(void **state)
{
    (void)state;
    numa = (struct numa){.nodes = 2};
    has_memory(0x500, 0x600, 1);
    has_memory(0x100, 0x200, 0);
    has_memory(0x300, 0x400, 1);
    has_memory(0x700, 0x800, 0);
    assert_int_equal(numa_ranges(&numa, 0, out), 2);
    expect(0, 0x100, 0x200);
    expect(1, 0x700, 0x800);
    assert_int_equal(numa_ranges(&numa, 1, out), 2);
    expect(0, 0x300, 0x400);
    expect(1, 0x500, 0x600);
}

static void what_touches_or_overlaps_is_one(void **state)
{
    (void)state;
    numa = (struct numa){.nodes = 2};
    has_memory(0x200, 0x300, 0);
    has_memory(0x000, 0x0a0, 0);
    has_memory(0x250, 0x280, 0);
    has_memory(0x100, 0x200, 0);
    has_memory(0x2ff, 0x400, 0);
    assert_int_equal(numa_ranges(&numa, 0, out), 2);
    expect(0, 0x000, 0x0a0);
    expect(1, 0x100, 0x400);
}

static void a_node_may_have_no_memory(void **state)
{
    (void)state;
    numa = (struct numa){.nodes = 2};
    has_memory(0x200, 0x300, 0);
    assert_int_equal(numa_ranges(&numa, 1, out), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_tables_there_is_one_node),
        TEST(domains_become_nodes_as_they_are_met),
        TEST(domains_of_old_tables_have_8_bits),
        TEST(memory_is_rounded_to_whole_frames),
        TEST(distances_are_looked_up_by_domain),
        TEST(a_slit_that_contradicts_the_standard_is_not_believed),
        TEST(a_slit_of_absurd_size_is_not_believed),
        TEST(more_domains_than_nodes_share_the_last),
        TEST(nonsense_is_survived),
        TEST(each_node_has_its_own_in_order),
        TEST(what_touches_or_overlaps_is_one),
        TEST(a_node_may_have_no_memory),
    };
    return cmocka_run_group_tests_name("acpi_numa", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Tests kernel/acpi_madt.c on tables built by hand, sound and not. */
#include "kernel/acpi_madt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/host/random.h"
#include "tests/host/table.h"

#define HEADER  44
#define ENABLED 1

static struct madt madt;

static int begin(void **state)
{
    (void)state;
    table_begin(5, HEADER);
    table_put(36, 0xfee00000, 4);
    return 0;
}

static int end(void **state)
{
    (void)state;
    table_end();
    return 0;
}

static void add_cpu(uint8_t apic_id, uint32_t flags)
{
    size_t at = table_add(0, 8);
    table_put(at + 3, apic_id, 1);
    table_put(at + 4, flags, 4);
}

static void add_x2apic_cpu(uint32_t apic_id, uint32_t flags)
{
    size_t at = table_add(9, 16);
    table_put(at + 4, apic_id, 4);
    table_put(at + 8, flags, 4);
}

static void add_override(uint8_t line, uint32_t global, uint16_t flags)
{
    size_t at = table_add(2, 10);
    table_put(at + 3, line, 1);
    table_put(at + 4, global, 4);
    table_put(at + 8, flags, 2);
}

static void read_table(void)
{
    madt_read(&madt, table_get());
}

static void cpus_that_may_be_used_are_listed_in_order(void **state)
{
    (void)state;
    add_cpu(4, ENABLED);
    add_cpu(5, 0);
    add_cpu(2, ENABLED);
    read_table();
    assert_int_equal(madt.cpu_count, 2);
    assert_int_equal(madt.apic_id[0], 4);
    assert_int_equal(madt.apic_id[1], 2);
    assert_int_equal(madt.out_of_reach, 0);
}

static void a_cpu_listed_twice_is_one(void **state)
{
    (void)state;
    add_cpu(4, ENABLED);
    add_cpu(4, ENABLED);
    add_x2apic_cpu(4, ENABLED);
    read_table();
    assert_int_equal(madt.cpu_count, 1);
}

static void cpus_that_only_an_x2apic_reaches_are_counted(void **state)
{
    (void)state;
    add_x2apic_cpu(254, ENABLED);
    add_x2apic_cpu(255, ENABLED);
    add_x2apic_cpu(256, ENABLED);
    add_x2apic_cpu(70000, ENABLED);
    add_x2apic_cpu(70001, 0);
    read_table();
    assert_int_equal(madt.cpu_count, 1);
    assert_int_equal(madt.out_of_reach, 3);
}

static void the_broadcast_id_is_no_cpu(void **state)
{
    (void)state;
    add_cpu(255, ENABLED);
    read_table();
    assert_int_equal(madt.cpu_count, 0);
    assert_int_equal(madt.out_of_reach, 0);
}

static void all_ids_fit(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++)
        add_cpu((uint8_t)id, ENABLED);
    read_table();
    assert_int_equal(madt.cpu_count, MADT_CPUS_MAX);
}

static void isa_lines_lead_where_they_are_said_to(void **state)
{
    (void)state;
    add_override(0, 2, 0);
    add_override(9, 9, 0xd);
    add_override(5, 21, 0xf);
    add_override(4, 4, 0x5);
    add_override(16, 3, 0xf);
    read_table();
    assert_int_equal(madt.isa[0].global, 2);
    assert_int_equal(madt.isa[1].global, 1);
    assert_true(madt.isa[9].level && !madt.isa[9].active_low);
    assert_true(madt.isa[5].level && madt.isa[5].active_low);
    assert_int_equal(madt.isa[5].global, 21);
    assert_false(madt.isa[4].level || madt.isa[4].active_low);
}

static void io_apics_are_listed_as_far_as_there_is_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MADT_IOAPICS_MAX + 2; i++) {
        size_t at = table_add(1, 12);
        table_put(at + 4, 0xfec00000 + 0x1000 * i, 4);
        table_put(at + 8, 24 * i, 4);
    }
    read_table();
    assert_int_equal(madt.ioapic_count, MADT_IOAPICS_MAX);
    assert_int_equal(madt.ioapic[1].phys, 0xfec01000);
    assert_int_equal(madt.ioapic[1].first, 24);
}

static void the_local_apic_may_be_anywhere(void **state)
{
    (void)state;
    read_table();
    assert_int_equal(madt.local_apic, 0xfee00000);
    size_t at = table_add(5, 12);
    table_put(at + 4, 0x1234567000, 8);
    read_table();
    assert_int_equal(madt.local_apic, 0x1234567000);
}

static void an_entry_of_impossible_length_ends_the_table(void **state)
{
    (void)state;
    static const uint8_t lengths[] = {0, 1, 9};
    for (unsigned i = 0; i < 3; i++) {
        begin(NULL);
        add_cpu(1, ENABLED);
        size_t at = table_add(0, 8);
        table_put(at + 3, 2, 1);
        table_put(at + 4, ENABLED, 4);
        table_put(at + 1, lengths[i], 1);
        read_table();
        assert_int_equal(madt.cpu_count, 1);
    }
}

static void short_entries_and_unknown_ones_are_passed_over(void **state)
{
    (void)state;
    static const uint8_t types[] = {0, 1, 2, 5, 9, 77};
    for (unsigned i = 0; i < 6; i++)
        table_add(types[i], 4);
    add_cpu(3, ENABLED);
    read_table();
    assert_int_equal(madt.cpu_count, 1);
    assert_int_equal(madt.ioapic_count, 0);
    assert_int_equal(madt.isa[0].global, 0);
}

static void a_table_without_room_for_its_own_fields_is_empty(void **state)
{
    (void)state;
    table_begin(5, ACPI_HEADER_BYTES);
    read_table();
    assert_int_equal(madt.cpu_count, 0);
    assert_int_equal(madt.local_apic, 0);
}

/* Whatever the bytes are: no CPU twice, none beyond reach. */
static void nonsense_is_survived(void **state)
{
    (void)state;
    struct random random = random_start();
    for (unsigned round = 0; round < random_steps(2000); round++) {
        size_t bytes = HEADER + random_below(&random, 300);
        table_begin(5, bytes);
        for (size_t at = HEADER; at < bytes; at++)
            table_put(at, random_below(&random, at % 3 == 0 ? 256 : 17), 1);
        read_table();
        bool seen[256] = {false};
        for (size_t i = 0; i < madt.cpu_count; i++) {
            assert_false(seen[madt.apic_id[i]]);
            seen[madt.apic_id[i]] = true;
        }
        assert_false(seen[255]);
        assert_true(madt.ioapic_count <= MADT_IOAPICS_MAX);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cpus_that_may_be_used_are_listed_in_order),
        TEST(a_cpu_listed_twice_is_one),
        TEST(cpus_that_only_an_x2apic_reaches_are_counted),
        TEST(the_broadcast_id_is_no_cpu),
        TEST(all_ids_fit),
        TEST(isa_lines_lead_where_they_are_said_to),
        TEST(io_apics_are_listed_as_far_as_there_is_room),
        TEST(the_local_apic_may_be_anywhere),
        TEST(an_entry_of_impossible_length_ends_the_table),
        TEST(short_entries_and_unknown_ones_are_passed_over),
        TEST(a_table_without_room_for_its_own_fields_is_empty),
        TEST(nonsense_is_survived),
    };
    return cmocka_run_group_tests_name("acpi_madt", tests, NULL, NULL);
}

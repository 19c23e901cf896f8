/* SPDX-License-Identifier: MIT */
/*
 * Tests kernel/acpi.c on tables built in an array that plays physical memory. What lies outside of
 * it cannot be reached; what is reached is copied, so that ASan sees a byte too much.
 */
#include "kernel/acpi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BASE      0xe0000
#define RSDP      (BASE + 0x13) /* the real ones are aligned, but nothing depends on it */
#define RSDT      (BASE + 0x101)
#define XSDT      (BASE + 0x202)
#define FACP      (BASE + 0x303)
#define APIC      (BASE + 0x404)
#define LONG_RSDT (BASE + 0x505)
#define MEMORY    0x2000 /* room for a list of too many tables */

static unsigned char memory[MEMORY];
static void *copies[32];
static size_t copy_count;
static struct acpi acpi;

static const void *map(uint64_t phys, size_t bytes)
{
    assert_in_range(bytes, 1, ACPI_TABLE_BYTES_MAX);
    assert_true(phys + bytes > phys);
    if (phys < BASE || phys + bytes > BASE + MEMORY)
        return NULL;
    assert_true(copy_count < 32);
    copies[copy_count] = malloc(bytes);
    return memcpy(copies[copy_count++], memory + (phys - BASE), bytes);
}

static unsigned char *at(uint64_t phys)
{
    return memory + (phys - BASE);
}

static void put(uint64_t phys, uint64_t value, size_t bytes)
{
    memcpy(at(phys), &value, bytes);
}

/* Sets the byte at `place` so that `bytes` bytes sum up to zero. */
static void seal(uint64_t phys, size_t place, size_t bytes)
{
    unsigned char sum = 0;
    at(phys)[place] = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (unsigned char)(sum + at(phys)[i]);
    at(phys)[place] = (unsigned char)-sum;
}

static void put_table(uint64_t phys, const char *signature, uint32_t bytes)
{
    memcpy(at(phys), signature, 4);
    put(phys + 4, bytes, 4);
    at(phys)[8] = 3;
    seal(phys, 9, bytes);
}

static void seal_root(void)
{
    seal(RSDP, 8, 20);
    seal(RSDP, 32, 36);
}

static int begin(void **state)
{
    (void)state;
    memset(memory, 0x5a, sizeof memory);
    memcpy(at(RSDP), "RSD PTR ", 8);
    at(RSDP)[15] = 2;
    put(RSDP + 16, RSDT, 4);
    put(RSDP + 20, 36, 4);
    put(RSDP + 24, XSDT, 8);
    seal_root();
    put(RSDT + 36, APIC, 4);
    put_table(RSDT, "RSDT", 36 + 4);
    put(XSDT + 36, FACP, 8);
    put(XSDT + 44, APIC, 8);
    put_table(XSDT, "XSDT", 36 + 16);
    put_table(FACP, "FACP", 244);
    put_table(APIC, "APIC", 36);
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (copy_count > 0)
        free(copies[--copy_count]);
    return 0;
}

static void open_well(uint64_t root, size_t count)
{
    assert_ptr_equal(acpi_open(&acpi, RSDP, map), NULL);
    assert_int_equal(acpi.root, root);
    assert_int_equal(acpi.count, count);
}

static void open_badly(const char *wrong)
{
    const char *told = acpi_open(&acpi, RSDP, map);
    assert_non_null(told);
    assert_string_equal(told, wrong);
}

static void the_xsdt_lists_the_tables(void **state)
{
    (void)state;
    struct acpi_table table;
    open_well(XSDT, 2);
    assert_ptr_equal(acpi_read(&acpi, 0, &table), NULL);
    assert_string_equal(table.signature, "FACP");
    assert_int_equal(table.phys, FACP);
    assert_int_equal(table.bytes, 244);
    assert_int_equal(table.revision, 3);
    assert_memory_equal(table.data, at(FACP), 244);
    assert_ptr_equal(acpi_read(&acpi, 1, &table), NULL);
    assert_string_equal(table.signature, "APIC");
}

static void a_table_is_found_by_its_signature(void **state)
{
    (void)state;
    struct acpi_table table;
    open_well(XSDT, 2);
    assert_true(acpi_find(&acpi, "APIC", &table));
    assert_int_equal(table.phys, APIC);
    assert_false(acpi_find(&acpi, "HPET", &table));
    at(APIC)[20]++;
    assert_false(acpi_find(&acpi, "APIC", &table));
}

static void revision_0_has_an_rsdt_alone(void **state)
{
    (void)state;
    at(RSDP)[15] = 0;
    memset(at(RSDP) + 20, 0xff, 16);
    seal(RSDP, 8, 20);
    open_well(RSDT, 1);
}

static void without_a_sound_xsdt_the_rsdt_serves(void **state)
{
    (void)state;
    at(XSDT)[40]++;
    open_well(RSDT, 1);
    put(RSDP + 24, 0, 8);
    seal_root();
    open_well(RSDT, 1);
    put(RSDP + 16, 0, 4);
    seal_root();
    open_badly("has neither XSDT nor RSDT");
}

static void a_root_pointer_at_the_end_of_memory_is_read(void **state)
{
    (void)state;
    uint64_t last = BASE + MEMORY - 20;
    memcpy(at(last), at(RSDP), 20);
    at(last)[15] = 0;
    seal(last, 8, 20);
    assert_ptr_equal(acpi_open(&acpi, last, map), NULL);
    at(last)[15] = 2;
    seal(last, 8, 20);
    assert_string_equal(acpi_open(&acpi, last, map), "pointer cannot be reached");
    assert_string_equal(acpi_open(&acpi, last + 1, map), "pointer cannot be reached");
    assert_string_equal(acpi_open(&acpi, UINT64_MAX - 3, map), "pointer cannot be reached");
}

static void each_damage_to_the_root_pointer_is_told(void **state)
{
    (void)state;
    at(RSDP)[3] = 'X';
    open_badly("pointer is not signed RSD PTR");
    begin(NULL);
    at(RSDP)[10]++;
    open_badly("pointer has a wrong checksum");
    begin(NULL);
    at(RSDP)[33]++;
    open_badly("pointer has a wrong extended checksum");
    const uint32_t lengths[] = {0, 35, ACPI_TABLE_BYTES_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        put(RSDP + 20, lengths[i], 4);
        seal_root();
        open_badly("pointer has an impossible length");
    }
    put(RSDP + 20, MEMORY, 4);
    seal_root();
    open_badly("pointer cannot be reached");
}

static void each_damage_to_the_root_table_is_told(void **state)
{
    (void)state;
    put(RSDP + 24, 0, 8); /* the RSDT alone */
    seal_root();
    at(RSDT)[0] = 'X';
    seal(RSDT, 9, 40);
    open_badly("is not signed XSDT or RSDT");
    put_table(RSDT, "RSDT", 40);
    at(RSDT)[38]++;
    open_badly("has a wrong checksum");
    put(RSDP + 16, BASE + MEMORY - 4, 4);
    seal_root();
    open_badly("cannot be reached");
}

static void a_root_that_lists_too_many_tables_is_refused(void **state)
{
    (void)state;
    put(RSDP + 24, 0, 8);
    put(RSDP + 16, LONG_RSDT, 4);
    seal_root();
    put_table(LONG_RSDT, "RSDT", ACPI_HEADER_BYTES + 4 * ACPI_TABLES_MAX);
    open_well(LONG_RSDT, ACPI_TABLES_MAX);
    put_table(LONG_RSDT, "RSDT", ACPI_HEADER_BYTES + 4 * (ACPI_TABLES_MAX + 1));
    open_badly("lists too many tables");
}

static void an_odd_end_of_the_list_is_left_out(void **state)
{
    (void)state;
    put_table(XSDT, "XSDT", 36 + 15);
    open_well(XSDT, 1);
    put_table(XSDT, "XSDT", 36);
    open_well(XSDT, 0);
}

static void each_damage_to_a_table_is_told(void **state)
{
    (void)state;
    struct acpi_table table;
    open_well(XSDT, 2);
    at(FACP)[100]++;
    assert_string_equal(acpi_read(&acpi, 0, &table), "has a wrong checksum");
    assert_ptr_equal(table.data, NULL);
    assert_string_equal(table.signature, "FACP");
    put(FACP + 4, 35, 4);
    assert_string_equal(acpi_read(&acpi, 0, &table), "has an impossible length");
    put(FACP + 4, ACPI_TABLE_BYTES_MAX + 1, 4);
    assert_string_equal(acpi_read(&acpi, 0, &table), "has an impossible length");
    put(FACP + 4, MEMORY, 4);
    assert_string_equal(acpi_read(&acpi, 0, &table), "cannot be reached to its end");
    at(FACP)[1] = 0x1b;
    acpi_read(&acpi, 0, &table);
    assert_string_equal(table.signature, "F?CP");
}

static void a_table_nowhere_is_told(void **state)
{
    (void)state;
    const uint64_t nowhere[] = {0, BASE - 1, BASE + MEMORY - 35, UINT64_MAX, UINT64_MAX - 35};
    for (size_t i = 0; i < 5; i++) {
        struct acpi_table table;
        put(XSDT + 36, nowhere[i], 8);
        put_table(XSDT, "XSDT", 36 + 16);
        open_well(XSDT, 2);
        assert_string_equal(acpi_read(&acpi, 0, &table), "cannot be reached");
        assert_string_equal(table.signature, "????");
        assert_int_equal(table.phys, nowhere[i]);
        end(NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_xsdt_lists_the_tables),
        TEST(a_table_is_found_by_its_signature),
        TEST(revision_0_has_an_rsdt_alone),
        TEST(without_a_sound_xsdt_the_rsdt_serves),
        TEST(a_root_pointer_at_the_end_of_memory_is_read),
        TEST(each_damage_to_the_root_pointer_is_told),
        TEST(each_damage_to_the_root_table_is_told),
        TEST(a_root_that_lists_too_many_tables_is_refused),
        TEST(an_odd_end_of_the_list_is_left_out),
        TEST(each_damage_to_a_table_is_told),
        TEST(a_table_nowhere_is_told),
    };
    return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The machine's own ACPI tables, and the window through which some of them are read. */
#include "kernel/acpi_window.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/memlayout.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "lib/bits.h"
#include "lib/string.h"

#define ROM 0xf0000 /* the firmware's, which is in no direct map */

KTEST(acpi, every_table_of_this_machine_is_sound)
{
    const struct acpi *acpi = acpi_window_tables();
    struct acpi_table table;
    if (acpi == NULL)
        ktest_skip("the firmware gave no ACPI tables");
    for (size_t i = 0; i < acpi->count; i++)
        KTEST_CHECK(acpi_read(acpi, i, &table) == NULL);
    KTEST_CHECK(acpi_find(acpi, "FACP", &table) && memcmp(table.data, "FACP", 4) == 0);
}

static void write_byte(void *at)
{
    *(volatile char *)at = 1;
}

KTEST(acpi, what_is_not_in_the_direct_map_is_read_through_the_window)
{
    struct fault fault;
    const char *first = acpi_window_map(ROM + 0x123, 0x2000);
    KTEST_CHECK(first != NULL);
    KTEST_CHECK(acpi_window_map(ROM + 0x124, 0x1000) == first + 1);
    if ((uintptr_t)first - MEMLAYOUT_DIRECT_MAP_START < MEMLAYOUT_DIRECT_MAP_SIZE)
        ktest_skip("this machine's direct map has the ROM");
    KTEST_CHECK((uintptr_t)first >= MEMLAYOUT_ACPI_START);
    KTEST_CHECK(!fault_try(write_byte, (void *)first, &fault));
    KTEST_CHECK(fault.vector == TRAP_PAGE_FAULT);
    KTEST_CHECK(kspace_audit(ktest_report) == 0);
}

KTEST(acpi, what_is_in_the_direct_map_is_read_there)
{
    static const uint64_t megabyte = MIB;
    const void *at = acpi_window_map(megabyte + 5, 100);
    KTEST_CHECK(at == (const void *)(MEMLAYOUT_DIRECT_MAP_START + megabyte + 5));
}

KTEST(acpi, the_window_refuses_the_image_and_addresses_that_there_are_not)
{
    phys_t image;
    uint64_t end = (uint64_t)1 << cpu.physical_bits;
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)image_start, &image));
    KTEST_CHECK(acpi_window_map(image.addr + 100, 36) == NULL);
    KTEST_CHECK(acpi_window_map(image.addr - 1, 2) == NULL);
    KTEST_CHECK(acpi_window_map(end - 4, 5) == NULL);
    KTEST_CHECK(acpi_window_map(UINT64_MAX - 36, 36) == NULL);
}

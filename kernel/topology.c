/* SPDX-License-Identifier: MIT */
/* The MADT, SRAT and SLIT of this machine. */
#include "kernel/topology.h"

#include "kernel/acpi_madt.h"
#include "kernel/acpi_numa.h"
#include "kernel/acpi_window.h"

static struct madt madt;
static struct numa numa;
static bool has_madt;

void topology_init(void)
{
    const struct acpi *acpi = acpi_window_tables();
    struct acpi_table table, srat, slit;
    has_madt = acpi != NULL && acpi_find(acpi, "APIC", &table);
    if (has_madt)
        madt_read(&madt, &table);
    bool has_srat = acpi != NULL && acpi_find(acpi, "SRAT", &srat);
    bool has_slit = acpi != NULL && acpi_find(acpi, "SLIT", &slit);
    numa_read(&numa, has_srat ? &srat : NULL, has_slit ? &slit : NULL);
}

const struct madt *topology_madt(void)
{
    return has_madt ? &madt : NULL;
}

const struct numa *topology_numa(void)
{
    return &numa;
}

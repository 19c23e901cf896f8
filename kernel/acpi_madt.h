/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs there are, and how interrupts reach them: takes ACPI's table "APIC", the MADT, gives
 * its entries in the form in which smp and irq want them. (ACPI 6.5, 5.2.12.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/acpi.h"

#define MADT_CPUS_MAX    255 /* those that an xAPIC can address: ids 0 to 254 */
#define MADT_IOAPICS_MAX 16
#define MADT_ISA_LINES   16

/* An I/O APIC, which serves the global interrupts from `first` on. */
struct madt_ioapic {
    uint32_t phys;
    uint32_t first;
};

/* Where the line of an ISA interrupt ends. */
struct madt_line {
    uint32_t global;
    bool active_low, level;
};

struct madt {
    uint64_t local_apic;            /* physical address of the registers */
    uint8_t apic_id[MADT_CPUS_MAX]; /* of each CPU that may be used; all differ */
    size_t cpu_count;
    size_t out_of_reach; /* CPUs that may be used, but only an x2APIC can address */
    struct madt_ioapic ioapic[MADT_IOAPICS_MAX];
    size_t ioapic_count;
    struct madt_line isa[MADT_ISA_LINES];
};

/* Reads a sound table. Entries that contradict themselves or earlier ones are passed over. */
void madt_read(struct madt *madt, const struct acpi_table *table);

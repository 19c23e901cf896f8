/* SPDX-License-Identifier: MIT */
/* The MADT's entries, one function for each type that matters. */
#include "kernel/acpi_madt.h"

#include "kernel/acpi_entries.h"

enum { LOCAL_APIC, IO_APIC, OVERRIDE, LOCAL_APIC_ADDRESS = 5, LOCAL_X2APIC = 9 };

#define LOCAL_ADDRESS_AT 36
#define ENTRIES_AT       44
#define CPU_ENABLED      1
#define BROADCAST        255 /* what no xAPIC is called */

/* The two fields of an override's flags; 0 means as usual for the bus: active high, edge. */
#define POLARITY      0x3
#define POLARITY_LOW  0x3
#define TRIGGER       0xc
#define TRIGGER_LEVEL 0xc

static bool is_known(const struct madt *madt, uint32_t apic_id)
{
    for (size_t i = 0; i < madt->cpu_count; i++)
        if (madt->apic_id[i] == apic_id)
            return true;
    return false;
}

static void add_cpu(struct madt *madt, uint32_t apic_id, uint64_t flags)
{
    if (!(flags & CPU_ENABLED) || is_known(madt, apic_id))
        return;
    if (apic_id < BROADCAST)
        madt->apic_id[madt->cpu_count++] = (uint8_t)apic_id;
    else
        madt->out_of_reach++;
}

static void add_ioapic(struct madt *madt, const struct acpi_entry *entry)
{
    if (madt->ioapic_count < MADT_IOAPICS_MAX)
        madt->ioapic[madt->ioapic_count++] = (struct madt_ioapic){
            (uint32_t)acpi_field(entry, 4, 4), (uint32_t)acpi_field(entry, 8, 4)};
}

static void override_line(struct madt *madt, const struct acpi_entry *entry)
{
    uint64_t line = acpi_field(entry, 3, 1), flags = acpi_field(entry, 8, 2);
    if (line < MADT_ISA_LINES)
        madt->isa[line] = (struct madt_line){.global = (uint32_t)acpi_field(entry, 4, 4),
                                             .active_low = (flags & POLARITY) == POLARITY_LOW,
                                             .level = (flags & TRIGGER) == TRIGGER_LEVEL};
}

static void read_entry(struct madt *madt, const struct acpi_entry *entry)
{
    if (entry->type == LOCAL_APIC && entry->bytes >= 8 && acpi_field(entry, 3, 1) != BROADCAST)
        add_cpu(madt, (uint32_t)acpi_field(entry, 3, 1), acpi_field(entry, 4, 4));
    else if (entry->type == LOCAL_X2APIC && entry->bytes >= 16)
        add_cpu(madt, (uint32_t)acpi_field(entry, 4, 4), acpi_field(entry, 8, 4));
    else if (entry->type == IO_APIC && entry->bytes >= 12)
        add_ioapic(madt, entry);
    else if (entry->type == OVERRIDE && entry->bytes >= 10)
        override_line(madt, entry);
    else if (entry->type == LOCAL_APIC_ADDRESS && entry->bytes >= 12)
        madt->local_apic = acpi_field(entry, 4, 8);
}

void madt_read(struct madt *madt, const struct acpi_table *table)
{
    *madt = (struct madt){0};
    for (uint32_t line = 0; line < MADT_ISA_LINES; line++)
        madt->isa[line].global = line;
    if (table->bytes < ENTRIES_AT)
        return;
    uint32_t local_apic;
    memcpy(&local_apic, (const char *)table->data + LOCAL_ADDRESS_AT, sizeof local_apic);
    madt->local_apic = local_apic;
    struct acpi_entry entry;
    for (size_t at = ENTRIES_AT; acpi_next_entry(table, &at, &entry);)
        read_entry(madt, &entry);
}

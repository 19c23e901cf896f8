/* SPDX-License-Identifier: MIT */
/*
 * The part behind the header of ACPI's MADT and SRAT: entries, each beginning with a byte for its
 * type and one for its length. An entry that does not fit the table ends it.
 */
#pragma once

#include "kernel/acpi.h"
#include "lib/string.h"

struct acpi_entry {
    const unsigned char *data;
    uint8_t type;
    uint8_t bytes; /* of `data`, these two included */
};

/* The entry at `*offset` of a sound table, and moves on; false at the end. */
static inline bool acpi_next_entry(const struct acpi_table *table, size_t *offset,
                                   struct acpi_entry *entry)
{
    if (*offset + 2 > table->bytes)
        return false;
    const unsigned char *data = (const unsigned char *)table->data + *offset;
    *entry = (struct acpi_entry){data, data[0], data[1]};
    if (entry->bytes < 2 || entry->bytes > table->bytes - *offset)
        return false;
    *offset += entry->bytes;
    return true;
}

/* Copies the field that begins at `at`; zero as far as the entry is too short for it. */
static inline uint64_t acpi_field(const struct acpi_entry *entry, size_t at, size_t bytes)
{
    uint64_t value = 0;
    if (at + bytes <= entry->bytes)
        memcpy(&value, entry->data + at, bytes);
    return value;
}

/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables: takes the physical address of the root pointer (RSDP), gives the tables that it
 * leads to, each with its length and checksum verified. Firmware wrote them, so nothing in them is
 * believed; where memory is read is the business of a callback. (ACPI 6.5, 5.2.)
 *
 *   RSDP --> XSDT (64-bit addresses) or RSDT (32-bit ones) --> table, table, ...
 *
 * What is wrong is told as words that can follow a subject: "has a wrong checksum".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_TABLE_BYTES_MAX 0x1000000 /* a longer table is not believed */
#define ACPI_TABLES_MAX      1024      /* nor a root that lists more */
#define ACPI_HEADER_BYTES    36        /* of every table but the root pointer */

/* Makes physical memory [phys, phys + bytes) readable, at any alignment, for as long as the tables
 * are used; NULL if that cannot be. It is asked for 0 < bytes <= ACPI_TABLE_BYTES_MAX, and never
 * for a range that wraps. */
typedef const void *acpi_map(uint64_t phys, size_t bytes);

struct acpi {
    acpi_map *map;
    uint64_t root; /* physical address of the XSDT or RSDT */
    const unsigned char *entries;
    size_t entry_bytes; /* 8 or 4 */
    size_t count;       /* tables listed */
};

struct acpi_table {
    uint64_t phys;
    char signature[5]; /* printable, terminated; "????" if it cannot be read */
    uint8_t revision;
    uint32_t bytes;   /* as the table says */
    const void *data; /* the table with its header, all of `bytes` readable; NULL if not sound */
};

/* Follows the root pointer at `rsdp`: to the XSDT, or to the RSDT if there is no sound XSDT.
 * Returns NULL, or what is wrong with "the ACPI root". */
const char *acpi_open(struct acpi *acpi, uint64_t rsdp, acpi_map *map);

/* Reads table number `index` < acpi->count. Returns NULL, or what is wrong with it: `table` then
 * holds what could be read of its header, and no data. */
const char *acpi_read(const struct acpi *acpi, size_t index, struct acpi_table *table);

/* Finds the first sound table with this signature of four characters. */
bool acpi_find(const struct acpi *acpi, const char *signature, struct acpi_table *table);

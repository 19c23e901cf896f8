/* SPDX-License-Identifier: MIT */
/* ACPI tables for tests, built byte by byte in memory that ends where the table does. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/acpi.h"

/* Begins a table of `bytes` bytes, all 0, and ends the one before. */
void table_begin(uint8_t revision, size_t bytes);

/* Writes the lowest `bytes` bytes of a value at an offset. */
void table_put(size_t offset, uint64_t value, size_t bytes);

/* Adds `bytes` bytes at its end, the first two being an entry's type and length. Returns where. */
size_t table_add(uint8_t type, uint8_t bytes);

const struct acpi_table *table_get(void);

/* Frees it. */
void table_end(void);

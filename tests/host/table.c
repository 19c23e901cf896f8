/* SPDX-License-Identifier: MIT */
/* One table at a time, in a block of exactly its size: ASan sees a byte too much. */
#include "tests/host/table.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/panic.h"

static unsigned char *data;
static struct acpi_table table;

static void resize(size_t bytes)
{
    unsigned char *moved = malloc(bytes);
    if (moved == NULL)
        panic("the host has no room for a table of %zu bytes", bytes);
    memset(moved, 0, bytes);
    if (data != NULL)
        memcpy(moved, data, table.bytes < bytes ? table.bytes : bytes);
    free(data);
    data = moved;
    table.data = moved;
    table.bytes = (uint32_t)bytes;
}

void table_begin(uint8_t revision, size_t bytes)
{
    table_end();
    table = (struct acpi_table){.signature = "TEST", .revision = revision};
    resize(bytes);
}

void table_put(size_t offset, uint64_t value, size_t bytes)
{
    memcpy(data + offset, &value, bytes);
}

size_t table_add(uint8_t type, uint8_t bytes)
{
    size_t offset = table.bytes;
    resize(offset + bytes);
    table_put(offset, type, 1);
    table_put(offset + 1, bytes, 1);
    return offset;
}

const struct acpi_table *table_get(void)
{
    return &table;
}

void table_end(void)
{
    free(data);
    data = NULL;
}

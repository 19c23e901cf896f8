/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes kernel/acpi.c. Bytes: choices (1), then physical memory from BASE on. Checksums are hard
 * to guess, so each bit of the choices puts one right: that of the root pointer, of the table that
 * it leads to, and of the first one listed there.
 */
#include "kernel/acpi.h"
#include "kernel/acpi_madt.h"
#include "kernel/acpi_numa.h"
#include "tests/fuzz/fuzz.h"

#define BASE 0xe0000

static uint8_t *memory; /* a copy of the input */
static size_t memory_bytes;

/* What was handed out, each a copy of its own, so that ASan sees a byte too much. */
static struct {
    void *copy[8192];
    size_t count;
    size_t bytes;
} views;

static bool is_memory(uint64_t phys, uint64_t bytes)
{
    return phys >= BASE && phys - BASE <= memory_bytes && bytes <= memory_bytes - (phys - BASE);
}

static const void *map(uint64_t phys, size_t bytes)
{
    FUZZ_EXPECT(bytes > 0 && bytes <= ACPI_TABLE_BYTES_MAX && phys <= UINT64_MAX - bytes);
    if (!is_memory(phys, bytes) || views.count == 8192 || views.bytes + bytes > 16 << 20)
        return NULL;
    void *copy = malloc(bytes);
    memcpy(copy, memory + (phys - BASE), bytes);
    views.copy[views.count++] = copy;
    views.bytes += bytes;
    return copy;
}

static uint64_t word_at(uint64_t phys, size_t bytes)
{
    uint64_t word = 0;
    if (is_memory(phys, bytes))
        memcpy(&word, memory + (phys - BASE), bytes);
    return word;
}

static uint8_t sum_of(uint64_t phys, uint64_t bytes)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + memory[phys - BASE + i]);
    return sum;
}

static void put_right(uint64_t phys, size_t place, uint64_t bytes)
{
    if (bytes > place && is_memory(phys, bytes))
        memory[phys - BASE + place] -= sum_of(phys, bytes);
}

static void put_checksums_right(unsigned choices)
{
    bool is_new = word_at(BASE + 15, 1) >= 2;
    uint64_t root = is_new ? word_at(BASE + 24, 8) : word_at(BASE + 16, 4);
    if (choices & 4)
        put_right(word_at(root + 36, is_new ? 8 : 4), 9,
                  word_at(word_at(root + 36, is_new ? 8 : 4) + 4, 4));
    if (choices & 2)
        put_right(root, 9, word_at(root + 4, 4));
    if (choices & 1)
        put_right(BASE, 8, 20);
    if (choices & 1 && is_new)
        put_right(BASE, 32, word_at(BASE + 20, 4));
}

static void check_table(const struct acpi_table *table, const char *wrong)
{
    FUZZ_EXPECT(strlen(table->signature) == 4);
    for (const char *at = table->signature; *at != '\0'; at++)
        FUZZ_EXPECT(*at >= ' ' && *at <= '~');
    FUZZ_EXPECT((wrong == NULL) == (table->data != NULL));
    if (wrong != NULL)
        return;
    FUZZ_EXPECT(table->bytes >= ACPI_HEADER_BYTES && is_memory(table->phys, table->bytes));
    FUZZ_EXPECT(memcmp(table->data, memory + (table->phys - BASE), table->bytes) == 0);
    FUZZ_EXPECT(sum_of(table->phys, table->bytes) == 0);
}

/* Whatever table it is: a MADT and a SRAT are told by their signatures alone. */
static void read_entries(const struct acpi_table *table)
{
    static struct madt madt;
    static struct numa numa;
    madt_read(&madt, table);
    numa_read(&numa, table, table);
    FUZZ_EXPECT(madt.cpu_count <= MADT_CPUS_MAX && madt.ioapic_count <= MADT_IOAPICS_MAX);
    FUZZ_EXPECT(numa.nodes >= 1 && numa.nodes <= NUMA_NODES_MAX);
}

static void walk(const struct acpi *acpi)
{
    struct acpi_table table, found;
    FUZZ_EXPECT(acpi->count <= ACPI_TABLES_MAX);
    for (size_t i = 0; i < acpi->count; i++) {
        const char *wrong = acpi_read(acpi, i, &table);
        check_table(&table, wrong);
        if (wrong == NULL)
            read_entries(&table);
        if (wrong == NULL && i < 4 && acpi_find(acpi, table.signature, &found))
            check_table(&found, NULL);
    }
}

static void forget_views(void)
{
    while (views.count > 0)
        free(views.copy[--views.count]);
    views.bytes = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acpi acpi;
    if (size == 0)
        return 0;
    memory_bytes = size - 1;
    memory = malloc(memory_bytes);
    memcpy(memory, data + 1, memory_bytes);
    put_checksums_right(data[0]);
    const char *wrong = acpi_open(&acpi, BASE, map);
    FUZZ_EXPECT(wrong == NULL || wrong[0] != '\0');
    if (wrong == NULL)
        walk(&acpi);
    forget_views();
    free(memory);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Walking ACPI tables. Every number of theirs goes through unaligned copies, and every address
 * through reach(), the only place that asks for memory.
 */
#include "kernel/acpi.h"

#include "lib/string.h"

/* The root pointer; what stands behind rsdt_address is there from revision 2 on. */
struct root_pointer {
    char signature[8];
    uint8_t checksum; /* makes the sum of the first 20 bytes 0 */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t bytes;
    uint64_t xsdt;
    uint8_t extended_checksum; /* makes the sum of all bytes 0 */
    uint8_t reserved[3];
} __attribute__((packed));

struct header {
    char signature[4];
    uint32_t bytes;
    uint8_t revision;
    uint8_t checksum; /* makes the sum of all bytes 0 */
    char oem[6];
    char oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
} __attribute__((packed));

_Static_assert(sizeof(struct root_pointer) == 36, "the layout of the RSDP");
_Static_assert(sizeof(struct header) == ACPI_HEADER_BYTES, "the layout of a table's header");

#define FIRST_ROOT_BYTES 20 /* of a root pointer of revision 0 */

/* [phys, phys + bytes), readable, or NULL. */
static const void *reach(acpi_map *map, uint64_t phys, size_t bytes)
{
    if (bytes == 0 || bytes > ACPI_TABLE_BYTES_MAX || phys > UINT64_MAX - bytes)
        return NULL;
    return map(phys, bytes);
}

static bool sums_to_zero(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + at[i]);
    return sum == 0;
}

/* The root pointer, with zeros where its revision has nothing. */
static const char *read_root_pointer(acpi_map *map, uint64_t rsdp, struct root_pointer *root)
{
    const void *first = reach(map, rsdp, FIRST_ROOT_BYTES);
    memset(root, 0, sizeof *root);
    if (first == NULL)
        return "pointer cannot be reached";
    memcpy(root, first, FIRST_ROOT_BYTES);
    if (memcmp(root->signature, "RSD PTR ", sizeof root->signature) != 0)
        return "pointer is not signed RSD PTR";
    if (!sums_to_zero(first, FIRST_ROOT_BYTES))
        return "pointer has a wrong checksum";
    if (root->revision < 2)
        return NULL;

    const void *all = reach(map, rsdp, sizeof *root);
    if (all == NULL)
        return "pointer cannot be reached";
    memcpy(root, all, sizeof *root);
    if (root->bytes < sizeof *root || root->bytes > ACPI_TABLE_BYTES_MAX)
        return "pointer has an impossible length";
    all = reach(map, rsdp, root->bytes);
    if (all == NULL)
        return "pointer cannot be reached";
    return sums_to_zero(all, root->bytes) ? NULL : "pointer has a wrong extended checksum";
}

/* Only what a terminal can show. */
static void copy_signature(char to[5], const char from[4])
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    to[4] = '\0';
}

static const char *read_table(acpi_map *map, uint64_t phys, struct acpi_table *table)
{
    *table = (struct acpi_table){.phys = phys, .signature = "????"};
    struct header header;
    const void *start = reach(map, phys, sizeof header);
    if (start == NULL)
        return "cannot be reached";
    memcpy(&header, start, sizeof header);
    copy_signature(table->signature, header.signature);
    table->revision = header.revision;
    table->bytes = header.bytes;
    if (header.bytes < sizeof header || header.bytes > ACPI_TABLE_BYTES_MAX)
        return "has an impossible length";
    const void *data = reach(map, phys, header.bytes);
    if (data == NULL)
        return "cannot be reached to its end";
    if (!sums_to_zero(data, header.bytes))
        return "has a wrong checksum";
    table->data = data;
    return NULL;
}

/* Takes the XSDT or RSDT at `phys` for the list of tables. */
static const char *open_root(struct acpi *acpi, uint64_t phys, const char *signature,
                             size_t entry_bytes)
{
    struct acpi_table root;
    if (phys == 0)
        return "has neither XSDT nor RSDT";
    const char *wrong = read_table(acpi->map, phys, &root);
    if (wrong != NULL)
        return wrong;
    if (strcmp(root.signature, signature) != 0)
        return "is not signed XSDT or RSDT";
    size_t count = (root.bytes - ACPI_HEADER_BYTES) / entry_bytes;
    if (count > ACPI_TABLES_MAX)
        return "lists too many tables";
    acpi->root = phys;
    acpi->entries = (const unsigned char *)root.data + ACPI_HEADER_BYTES;
    acpi->entry_bytes = entry_bytes;
    acpi->count = count;
    return NULL;
}

const char *acpi_open(struct acpi *acpi, uint64_t rsdp, acpi_map *map)
{
    struct root_pointer root;
    *acpi = (struct acpi){.map = map};
    const char *wrong = read_root_pointer(map, rsdp, &root);
    if (wrong != NULL)
        return wrong;
    wrong = open_root(acpi, root.xsdt, "XSDT", sizeof(uint64_t));
    if (wrong != NULL && root.rsdt != 0)
        wrong = open_root(acpi, root.rsdt, "RSDT", sizeof(uint32_t));
    return wrong;
}

const char *acpi_read(const struct acpi *acpi, size_t index, struct acpi_table *table)
{
    uint64_t phys = 0; /* little endian, as the tables are */
    memcpy(&phys, acpi->entries + index * acpi->entry_bytes, acpi->entry_bytes);
    return read_table(acpi->map, phys, table);
}

bool acpi_find(const struct acpi *acpi, const char *signature, struct acpi_table *table)
{
    for (size_t i = 0; i < acpi->count; i++)
        if (acpi_read(acpi, i, table) == NULL && strcmp(table->signature, signature) == 0)
            return true;
    return false;
}

/* SPDX-License-Identifier: MIT */
/* SRAT: domains become nodes as they are met. SLIT: a square of bytes, one for each two domains. */
#include "kernel/acpi_numa.h"

#include "kernel/acpi_entries.h"
#include "lib/bits.h"

enum { CPU, MEMORY, X2APIC_CPU };

#define SRAT_ENTRIES_AT 48
#define SLIT_COUNT_AT   36
#define SLIT_BYTES_AT   44
#define ENABLED         1
#define WIDE_REVISION   2 /* from here on domains have 32 bits; before, 8 */

static unsigned node_of_domain(struct numa *numa, uint32_t domain)
{
    for (unsigned node = 0; node < numa->nodes; node++)
        if (numa->domain[node] == domain)
            return node;
    if (numa->nodes == NUMA_NODES_MAX)
        return NUMA_NODES_MAX - 1;
    numa->domain[numa->nodes] = domain;
    return numa->nodes++;
}

static void add_cpu(struct numa *numa, uint64_t apic_id, uint32_t domain)
{
    unsigned node = node_of_domain(numa, domain);
    if (apic_id < NUMA_CPUS)
        numa->cpu_node[apic_id] = (uint8_t)node;
}

/* Whole frames that lie in the range. */
static void add_memory(struct numa *numa, uint64_t phys, uint64_t bytes, uint32_t domain)
{
    unsigned node = node_of_domain(numa, domain);
    if (bytes > UINT64_MAX - phys)
        bytes = UINT64_MAX - phys;
    uint64_t start = (phys >> PAGE_SHIFT) + (phys % PAGE_SIZE != 0);
    uint64_t end = (phys + bytes) >> PAGE_SHIFT;
    if (start < end && numa->range_count < NUMA_RANGES_MAX)
        numa->range[numa->range_count++] = (struct numa_range){{start}, {end}, node};
}

static void read_entry(struct numa *numa, const struct acpi_entry *entry, uint32_t domain_mask)
{
    if (entry->type == CPU && entry->bytes >= 16 && acpi_field(entry, 4, 4) & ENABLED)
        add_cpu(numa, acpi_field(entry, 3, 1),
                (uint32_t)(acpi_field(entry, 2, 1) | acpi_field(entry, 9, 3) << 8) & domain_mask);
    else if (entry->type == MEMORY && entry->bytes >= 40 && acpi_field(entry, 28, 4) & ENABLED)
        add_memory(numa, acpi_field(entry, 8, 8), acpi_field(entry, 16, 8),
                   (uint32_t)acpi_field(entry, 2, 4) & domain_mask);
    else if (entry->type == X2APIC_CPU && entry->bytes >= 24 && acpi_field(entry, 12, 4) & ENABLED)
        add_cpu(numa, acpi_field(entry, 8, 4), (uint32_t)acpi_field(entry, 4, 4));
}

static void read_srat(struct numa *numa, const struct acpi_table *srat)
{
    uint32_t domain_mask = srat->revision < WIDE_REVISION ? 0xff : UINT32_MAX;
    struct acpi_entry entry;
    for (size_t at = SRAT_ENTRIES_AT; acpi_next_entry(srat, &at, &entry);)
        read_entry(numa, &entry, domain_mask);
}

/* The square of the SLIT and its side; NULL if it is not believed: too short for what it says, or
 * not NUMA_NEAR from each domain to itself and more to every other. */
static const uint8_t *slit_square(const struct acpi_table *slit, uint64_t *side)
{
    if (slit->bytes < SLIT_BYTES_AT)
        return NULL;
    memcpy(side, (const char *)slit->data + SLIT_COUNT_AT, sizeof *side);
    if (*side == 0 || *side > UINT16_MAX || *side * *side > slit->bytes - SLIT_BYTES_AT)
        return NULL;
    const uint8_t *square = (const uint8_t *)slit->data + SLIT_BYTES_AT;
    for (uint64_t i = 0; i < *side * *side; i++)
        if (i / *side == i % *side ? square[i] != NUMA_NEAR : square[i] <= NUMA_NEAR)
            return NULL;
    return square;
}

static void read_slit(struct numa *numa, const struct acpi_table *slit)
{
    uint64_t side;
    const uint8_t *square = slit_square(slit, &side);
    for (unsigned from = 0; square != NULL && from < numa->nodes; from++)
        for (unsigned to = 0; to < numa->nodes; to++)
            if (numa->domain[from] < side && numa->domain[to] < side)
                numa->distance[from][to] = square[numa->domain[from] * side + numa->domain[to]];
}

void numa_read(struct numa *numa, const struct acpi_table *srat, const struct acpi_table *slit)
{
    memset(numa, 0, sizeof *numa);
    for (unsigned from = 0; from < NUMA_NODES_MAX; from++)
        for (unsigned to = 0; to < NUMA_NODES_MAX; to++)
            numa->distance[from][to] = from == to ? NUMA_NEAR : NUMA_FAR;
    if (srat != NULL)
        read_srat(numa, srat);
    if (numa->nodes == 0)
        numa->nodes = 1;
    if (slit != NULL)
        read_slit(numa, slit);
}

unsigned numa_node_of(const struct numa *numa, frame_t frame)
{
    for (size_t i = 0; i < numa->range_count; i++)
        if (frame.number >= numa->range[i].start.number && frame.number < numa->range[i].end.number)
            return numa->range[i].node;
    return 0;
}

/* Puts the range where it belongs among `count` sorted ones. */
static void insert(struct frame_range *sorted, size_t count, struct frame_range range)
{
    for (; count > 0 && sorted[count - 1].start.number > range.start.number; count--)
        sorted[count] = sorted[count - 1];
    sorted[count] = range;
}

/* Joins sorted ranges that touch or overlap. */
static size_t join(struct frame_range *sorted, size_t count)
{
    size_t last = 0;
    for (size_t i = 1; i < count; i++) {
        if (sorted[i].start.number <= sorted[last].end.number)
            sorted[last].end.number = bits_max(sorted[last].end.number, sorted[i].end.number);
        else
            sorted[++last] = sorted[i];
    }
    return count == 0 ? 0 : last + 1;
}

size_t numa_ranges(const struct numa *numa, unsigned node, struct frame_range *out)
{
    size_t count = 0;
    for (size_t i = 0; i < numa->range_count; i++)
        if (numa->range[i].node == node)
            insert(out, count++, (struct frame_range){numa->range[i].start, numa->range[i].end});
    return join(out, count);
}

/* SPDX-License-Identifier: MIT */
/* The MADT, SRAT and SLIT of this machine. */
#include "kernel/topology.h"

#include "kernel/acpi_madt.h"
#include "kernel/acpi_numa.h"
#include "kernel/acpi_window.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/mm/pmm.h"

static struct madt madt;
static struct numa numa;
static bool has_madt;

/* The nodes as the frame allocator takes them; it keeps these. */
static struct frame_range ranges[NUMA_RANGES_MAX];
static struct frame_node nodes[NUMA_NODES_MAX];
static uint8_t distance[NUMA_NODES_MAX * NUMA_NODES_MAX];

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

void topology_place_memory(void)
{
    if (numa.nodes < 2)
        return;
    struct frame_range *at = ranges;
    for (unsigned node = 0; node < numa.nodes; node++) {
        nodes[node] = (struct frame_node){at, numa_ranges(&numa, node, at)};
        at += nodes[node].count;
        for (unsigned to = 0; to < numa.nodes; to++)
            distance[node * numa.nodes + to] = numa.distance[node][to];
    }
    pmm_set_nodes(nodes, numa.nodes, distance);
    for (unsigned i = 0; i < percpu_count(); i++)
        pmm_set_cpu_node(i, numa.cpu_node[percpu_get(i)->apic_id]);
    pmm_drain(); /* what CPUs have at hand by now may be from anywhere */
}

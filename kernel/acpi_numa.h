/* SPDX-License-Identifier: MIT */
/*
 * Which memory and which CPUs are near each other: takes ACPI's SRAT and SLIT, gives nodes numbered
 * from 0, in the order in which the SRAT first names their proximity domains. A machine without a
 * SRAT is one node. (ACPI 6.5, 5.2.16 and 5.2.17.)
 */
#pragma once

#include "kernel/acpi.h"
#include "lib/alloc/frame.h"

#define NUMA_NODES_MAX  64  /* the domains beyond count as the last node */
#define NUMA_RANGES_MAX 256 /* memory beyond counts as node 0 */
#define NUMA_CPUS       256

#define NUMA_NEAR 10 /* the distance of a node to itself, by definition */
#define NUMA_FAR  20 /* to another one, if nobody says */

struct numa_range {
    frame_t start, end; /* half-open */
    unsigned node;
};

struct numa {
    unsigned nodes; /* at least 1 */
    uint32_t domain[NUMA_NODES_MAX];
    struct numa_range range[NUMA_RANGES_MAX]; /* as the firmware lists them; not empty */
    size_t range_count;
    uint8_t cpu_node[NUMA_CPUS]; /* by xAPIC id */
    uint8_t distance[NUMA_NODES_MAX][NUMA_NODES_MAX];
};

/* Reads the tables; either may be NULL, for not there. A SLIT that contradicts the standard is not
 * believed. */
void numa_read(struct numa *numa, const struct acpi_table *srat, const struct acpi_table *slit);

/* The node of a frame; 0 if no range holds it. */
unsigned numa_node_of(const struct numa *numa, frame_t frame);

/* Writes the memory of a node to `out`, which has room for NUMA_RANGES_MAX: sorted, disjoint and
 * apart, however the firmware lists it. Returns how many ranges. */
size_t numa_ranges(const struct numa *numa, unsigned node, struct frame_range *out);

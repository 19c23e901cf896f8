/* SPDX-License-Identifier: MIT */
/* What the firmware's tables say about CPUs, the way of interrupts, and nodes of memory. */
#pragma once

struct madt;
struct numa;

/* Reads the tables. Precondition: acpi_window_open() was called, well or in vain. */
void topology_init(void);

/* The MADT; NULL if there is none. */
const struct madt *topology_madt(void);

/* The nodes: one if the firmware says nothing about them. */
const struct numa *topology_numa(void);

/* From now on each CPU gets frames of its own node first. Comes after smp_init(). */
void topology_place_memory(void);

/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel reads ACPI tables: in the direct map if they lie in it, else through a window of
 * its own, read-only, since some firmware keeps them in ranges that it calls reserved.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/acpi.h"

/* Opens the tables that the root pointer at `rsdp` leads to. Returns NULL, or what is wrong with
 * "the ACPI root". Precondition: kspace_init(), pmm_init(). */
const char *acpi_window_open(uint64_t rsdp);

/* The tables; NULL if they could not be opened. */
const struct acpi *acpi_window_tables(void);

/* The callback (see acpi.h). Refuses addresses that the CPU does not have, the kernel's image, and
 * whatever no longer fits the window. */
const void *acpi_window_map(uint64_t phys, size_t bytes);

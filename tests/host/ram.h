/* SPDX-License-Identifier: MIT */
/*
 * A hosted machine whose physical memory is up: pmm in its second life over host_memory, told on
 * demand to have no more. Links with -Wl,--wrap=frame_alloc,--wrap=frame_free: every frame that pmm
 * takes or gives back goes through here, is checked against the TLB and loses its contents.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

/* Starts a machine with `bytes` of memory, all of it usable. */
void ram_start(uint64_t bytes);
void ram_stop(void);

/* Lets `count` more frame allocations succeed; then one fails, or, if `for_good`, all. */
void ram_fail_after(uint64_t count, bool for_good);

/* Ends that. True iff an allocation has failed since. */
bool ram_fail_never(void);

uint64_t ram_free(void);

/* A check_report that prints: in a good test nothing is told. */
void ram_told(const char *sentence);

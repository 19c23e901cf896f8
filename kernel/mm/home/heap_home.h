/* SPDX-License-Identifier: MIT */
/* The heap's home in the kernel: two fixed windows of the virtual memory map. */
#pragma once

#include "kernel/memlayout.h"

#define HEAP_DEBUG      LOAM_DEBUG
#define heap_arena_base ((uintptr_t)MEMLAYOUT_BRK_START)
#define heap_table_base ((uintptr_t)MEMLAYOUT_HEAP_TABLE_START)

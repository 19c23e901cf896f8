/* SPDX-License-Identifier: MIT */
/*
 * Blocks of KM_DMA32: takes frames that lie side by side below 4 GiB, and gives them out where the
 * direct map shows them. Records of them, in the heap, tell kfree what they are. For kmalloc.c
 * alone. Any context but NMI.
 */
#pragma once

#include <machine.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/check.h"

/* Starts with none. */
void kmalloc_dma_init(void);

/* A block of whole frames, a power of two of them, aligned to its size; NULL if there is none. */
void *kmalloc_dma_alloc(size_t size, size_t align, bool zero);

/* Gives it back; false if `block` is not one. Panics if it points into one, as does the next. */
bool kmalloc_dma_free(void *block);

/* Its bytes; 0 if `block` is not one. */
size_t kmalloc_dma_size(const void *block);

/* False for all that is not in the direct map where such blocks are; without a lock. */
static inline bool kmalloc_dma_is_near(const void *block)
{
    return (uintptr_t)block - (uintptr_t)machine_phys_to_virt((phys_t){0}) < 4 * GIB;
}

/* See kmalloc_check(). */
size_t kmalloc_dma_check(check_report *report);

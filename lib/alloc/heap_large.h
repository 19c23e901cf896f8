/* SPDX-License-Identifier: MIT */
/*
 * Large blocks: takes mappings from the port and gives out each as one block. A record of each lies
 * in slabs of its own class, sorted by address in heap->large.
 */
#pragma once

#include "lib/alloc/heap.h"

struct heap_record {
    struct tree_node node; /* key: start of the block */
    size_t bytes;          /* of the mapping, all usable */
    size_t align;          /* that was asked for */
};

void heap_large_init(struct heap *heap);

/* Bytes that a large block of `size` takes. Precondition: size <= PTRDIFF_MAX. */
size_t heap_large_bytes(size_t size);

/* A zeroed block of heap_large_bytes(size) bytes, or NULL. */
void *heap_large_alloc(struct heap *heap, size_t size, size_t align);

/* The record of the block that holds `address`, or NULL. */
struct heap_record *heap_large_find(const struct heap *heap, uintptr_t address);

/* Gives back what lies behind the first heap_large_bytes(size) bytes. Precondition: size <= bytes
 * of the block. */
void heap_large_shrink(struct heap *heap, struct heap_record *record, size_t size);

void heap_large_free(struct heap *heap, struct heap_record *record);

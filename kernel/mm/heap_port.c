/* SPDX-License-Identifier: MIT */
/*
 * The heap's port in the kernel: the arena is the kernel's break, whose only user the heap is, and
 * large blocks come from kmmap.
 */
#include <stdarg.h>

#include "kernel/mm/brk.h"
#include "kernel/mm/mmap.h"
#include "kernel/panic.h"
#include "lib/addr.h"
#include "lib/alloc/heap_port.h"
#include "lib/bits.h"
#include "lib/error.h"

/* A mapping that kmunmap had no memory to cut out of its region, noted in its own first bytes. */
struct leftover {
    struct leftover *next;
    size_t bytes;
};

static struct leftover *leftovers;

/* False iff there is no memory to cut a region in two. */
static bool unmap(uintptr_t start, size_t bytes)
{
    int status = kmunmap(start, bytes);
    if (status != 0 && status != -ENOMEM)
        panic("kmunmap(0x%zx, 0x%zx) returned %d", (size_t)start, bytes, status);
    return status == 0;
}

static void unmap_leftovers(void)
{
    while (leftovers != NULL) {
        struct leftover *next = leftovers->next;
        if (!unmap((uintptr_t)leftovers, leftovers->bytes))
            return;
        leftovers = next;
    }
}

/* Takes address space for the block and its alignment, gives access to the block alone, and returns
 * the ends. They are regions of their own then, so that no region is cut in two. What might be lost
 * where access is not given is address space without memory. */
static void *map_aligned(size_t bytes, size_t align)
{
    size_t room = bytes + align - PAGE_SIZE;
    intptr_t mapped = kmmap(0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    if (is_error(mapped))
        return NULL;
    uintptr_t start = (uintptr_t)mapped;
    uintptr_t block = bits_round_up(start, align);
    if (kmprotect(block, bytes, PROT_READ | PROT_WRITE) != 0) {
        unmap(start, room);
        return NULL;
    }
    if (block > start)
        unmap(start, block - start);
    if (start + room > block + bytes)
        unmap(block + bytes, start + room - block - bytes);
    return (void *)block;
}

bool heap_port_extend(intptr_t delta)
{
    return ksbrk(delta) != (void *)-1;
}

bool heap_port_extend_table(size_t bytes)
{
    return brk_extend_table(bytes);
}

void *heap_port_map(size_t bytes, size_t align)
{
    unmap_leftovers();
    if (align > PAGE_SIZE)
        return map_aligned(bytes, align);
    intptr_t start = kmmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    return is_error(start) ? NULL : (void *)start;
}

void heap_port_unmap(void *start, size_t bytes)
{
    if (!unmap((uintptr_t)start, bytes)) {
        struct leftover *leftover = start;
        *leftover = (struct leftover){leftovers, bytes};
        leftovers = leftover;
        return;
    }
    unmap_leftovers();
}

void heap_port_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    panic_v(format, arguments);
}

/* SPDX-License-Identifier: MIT */
/*
 * The heap's port in the kernel: the arena is the kernel's break, huge blocks come from kmmap.
 */
#include <stdarg.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/memlayout.h"
#include "kernel/mm/brk.h"
#include "kernel/mm/mmap.h"
#include "kernel/panic.h"
#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/error.h"

#define MARKS_A_TABLE 8                  /* bytes of marks for each byte of the table */
#define MIXER         0x9e3779b97f4a7c15 /* 2^64 / the golden ratio: spreads the bits of a clock */

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

void heap_home_setup(struct heap_world *world, struct heap_setup *setup)
{
    (void)world;
    *setup = (struct heap_setup){.arena = MEMLAYOUT_BRK_START,
                                 .reserve = MEMLAYOUT_BRK_END - MEMLAYOUT_BRK_START,
                                 .table = (void *)MEMLAYOUT_HEAP_TABLE_START,
                                 .marks = (void *)MEMLAYOUT_HEAP_MARKS_START,
                                 .secret = asm_read_tsc() * MIXER};
}

uintptr_t heap_port_extend(struct heap_world *world, size_t bytes)
{
    (void)world;
    void *start = brk_reserve(bytes, HEAP_SLICE_SIZE);
    return start == (void *)-1 ? 0 : (uintptr_t)start;
}

bool heap_port_extend_table(struct heap_world *world, size_t bytes)
{
    (void)world;
    bool has_marks = !(HEAP_DEBUG || HEAP_HARDEN) || brk_extend_marks(bytes * MARKS_A_TABLE);
    return has_marks && brk_extend_table(bytes);
}

bool heap_port_commit(struct heap_world *world, uintptr_t start, size_t bytes)
{
    (void)world;
    return brk_back(start, bytes);
}

void heap_port_purge(struct heap_world *world, uintptr_t start, size_t bytes)
{
    (void)world;
    brk_drop(start, bytes);
}

/* What is not committed faults by itself. */
void heap_port_guard(struct heap_world *world, uintptr_t start, size_t bytes, bool on)
{
    (void)world, (void)start, (void)bytes, (void)on;
}

void *heap_port_map(struct heap_world *world, size_t bytes, size_t align)
{
    (void)world;
    unmap_leftovers();
    if (align > PAGE_SIZE)
        return map_aligned(bytes, align);
    intptr_t start = kmmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    return is_error(start) ? NULL : (void *)start;
}

void heap_port_unmap(struct heap_world *world, void *start, size_t bytes)
{
    (void)world;
    if (!unmap((uintptr_t)start, bytes)) {
        struct leftover *leftover = start;
        *leftover = (struct leftover){leftovers, bytes};
        leftovers = leftover;
        return;
    }
    unmap_leftovers();
}

/* Grows in place where the addresses behind are free. */
void *heap_port_remap(struct heap_world *world, void *start, size_t from, size_t to, bool may_move)
{
    (void)world, (void)may_move;
    intptr_t more = kmmap((uintptr_t)start + from, to - from, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
    return is_error(more) ? NULL : start;
}

/* The kernel has one CPU so far, and its interrupt handlers do not allocate. */
void heap_port_lock(struct heap_world *world)
{
    (void)world;
}

void heap_port_unlock(struct heap_world *world)
{
    (void)world;
}

void heap_port_reset_lock(struct heap_world *world)
{
    (void)world;
}

uint64_t heap_port_clock(struct heap_world *world)
{
    (void)world;
    return 0;
}

struct heap *heap_port_attach(void)
{
    panic("the kernel heap is used before kmalloc_init");
}

void heap_port_panic(const void *caller, const char *format, ...)
{
    (void)caller;
    va_list arguments;
    va_start(arguments, format);
    panic_v(format, arguments);
}

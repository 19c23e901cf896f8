/* SPDX-License-Identifier: MIT */
/*
 * The heap's port in the kernel: the arena is the kernel's break, huge blocks come from kmmap.
 */
#include <stdarg.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/lock.h"
#include "kernel/memlayout.h"
#include "kernel/mm/brk.h"
#include "kernel/mm/kmalloc_sites.h"
#include "kernel/mm/mmap.h"
#include "kernel/panic.h"
#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "lib/format.h"

#define SENTENCE 256 /* what is said of a block, and by whom it was allocated and freed */

#define MARKS_A_TABLE 8                  /* bytes of marks for each byte of the table */
#define MIXER         0x9e3779b97f4a7c15 /* 2^64 / the golden ratio: spreads the bits of a clock */

/* A mapping that kmunmap had no memory to cut out of its region, noted in its own first bytes. */
struct leftover {
    struct leftover *next;
    size_t bytes;
};

static struct leftover *leftovers; /* atomic */

/* Interrupt handlers look up blocks under it, so interrupts are off. */
static struct lock lock;
static bool were_on; /* before the holder took it */

/* False iff there is no memory to cut a region in two. */
static bool unmap(uintptr_t start, size_t bytes)
{
    int status = kmunmap(start, bytes);
    if (status != 0 && status != -ENOMEM)
        panic("kmunmap(0x%zx, 0x%zx) returned %d", (size_t)start, bytes, status);
    return status == 0;
}

static void keep(struct leftover *leftover)
{
    leftover->next = __atomic_load_n(&leftovers, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&leftovers, &leftover->next, leftover, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

static void unmap_or_keep(void *start, size_t bytes)
{
    if (unmap((uintptr_t)start, bytes))
        return;
    struct leftover *leftover = start;
    leftover->bytes = bytes;
    keep(leftover);
}

static void unmap_leftovers(void)
{
    if (__atomic_load_n(&leftovers, __ATOMIC_RELAXED) == NULL)
        return;
    struct leftover *leftover = __atomic_exchange_n(&leftovers, NULL, __ATOMIC_ACQUIRE);
    while (leftover != NULL) {
        struct leftover *next = leftover->next;
        unmap_or_keep(leftover, leftover->bytes);
        leftover = next;
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
    lock_init(&lock, "heap", LOCK_HEAP);
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
    unmap_or_keep(start, bytes);
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

void heap_port_lock(struct heap_world *world)
{
    (void)world;
    bool interrupts_were_on = lock_take_irq(&lock);
    were_on = interrupts_were_on;
}

void heap_port_unlock(struct heap_world *world)
{
    (void)world;
    lock_release_irq(&lock, were_on);
}

/* The kernel does not fork. */
void heap_port_reset_lock(struct heap_world *world)
{
    (void)world;
}

uint64_t heap_port_clock(struct heap_world *world)
{
    (void)world;
    return heap_home_clock();
}

struct heap *heap_port_attach(void)
{
    return heap_home_attach();
}

void heap_port_panic(const void *caller, const void *block, const char *format, ...)
{
    (void)caller;
    char what[SENTENCE], who[SENTENCE] = "";
    va_list arguments;
    va_start(arguments, format);
    format_text_v(what, sizeof what, format, arguments);
    va_end(arguments);
    if (LOAM_DEBUG && block != NULL)
        kmalloc_sites_explain(block, who, sizeof who);
    panic("%s%s%s", what, who[0] != '\0' ? "; " : "", who);
}

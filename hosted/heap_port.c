/* SPDX-License-Identifier: MIT */
/*
 * The heap's port over Linux: address space is reserved once, as much as can be had, and memory
 * comes to it at first touch.
 *
 *   table of descriptors | marks (hardened builds) | arena
 *
 * These are one reservation; under strict limits they are only where one would be, and are mapped
 * step by step.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hosted/hosted.h"
#include "hosted/linux.h"
#include "hosted/lock.h"
#include "lib/addr.h"
#include "lib/alloc/heap_port.h"
#include "lib/bits.h"
#include "lib/format.h"

#define ARENA_MAX  ((size_t)256 * GIB)
#define ARENA_MIN  ((size_t)1 * GIB) /* less is not reserved, but mapped step by step */
#define HUGE_PAGE  ((size_t)2 * MIB)
#define HUGE_ARENA ((size_t)32 * MIB) /* beyond, whole huge pages of the arena are asked for */

static struct lock lock;

enum outcome { DONE, REFUSED, OCCUPIED };

static struct {
    uintptr_t table, marks, arena, end; /* address space for each, in this order */
    bool is_reserved;   /* parts become usable by asking for access, else by mapping them */
    uintptr_t next;     /* lock; the arena in use ends here */
    uintptr_t huge;     /* lock; up to here huge pages were asked for, or are too early */
    size_t table_bytes; /* lock; usable */
} space;

void hosted_say(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = format_text_v(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    size_t shown = bits_min((size_t)length, sizeof line - 2);
    line[shown] = '\n';
    linux_write(STDERR_FILENO, line, shown + 1);
}

void heap_port_panic(const void *caller, const void *block, const char *format, ...)
{
    (void)block;
    char sentence[256];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    hosted_say("loam: %s (called from %p)", sentence, caller);
    abort();
}

/* --- lock and clock ------------------------------------------------------------------------------
 */

void heap_port_lock(struct heap_world *world)
{
    (void)world;
    lock_take(&lock, (uintptr_t)&hosted_heap);
}

void heap_port_unlock(struct heap_world *world)
{
    (void)world;
    lock_release(&lock);
}

void heap_port_reset_lock(struct heap_world *world)
{
    (void)world;
    lock_release(&lock); /* taken before the fork by this very thread */
}

uint64_t heap_port_clock(struct heap_world *world)
{
    (void)world;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- mappings ------------------------------------------------------------------------------------
 */

/* 0 if there is no room, or no memory. */
static uintptr_t map(size_t bytes, int access, int flags)
{
    long start = linux_mmap(0, bytes, access, flags);
    return linux_failed(start) ? 0 : (uintptr_t)start;
}

static void unmap(uintptr_t start, uintptr_t end)
{
    if (end > start)
        linux_munmap(start, end - start);
}

/* Maps more and unmaps the ends. */
static uintptr_t map_aligned(size_t bytes, size_t align)
{
    size_t room = bytes + align - HEAP_PAGE;
    uintptr_t start = map(room, PROT_READ | PROT_WRITE, 0);
    if (start == 0)
        return 0;
    uintptr_t aligned = bits_round_up(start, align);
    unmap(start, aligned);
    unmap(aligned + bytes, start + room);
    return aligned;
}

void *hosted_map(size_t bytes)
{
    return (void *)map(bits_round_up(bytes, HEAP_PAGE), PROT_READ | PROT_WRITE, 0);
}

/* True unless the process may only have so much address space. */
static bool may_reserve(void)
{
    struct rlimit limit = {0};
    return linux_getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

/* What is reserved counts under a limit that the program sets later: what is not in use goes, and
 * the arena grows step by step from there. True iff there was something. */
static bool release_reserve(struct heap_world *world)
{
    heap_port_lock(world);
    bool releases = space.is_reserved && !may_reserve();
    if (releases) {
        unmap(space.table + space.table_bytes, space.marks);
        unmap(space.marks + 8 * space.table_bytes, space.arena);
        unmap(space.next, space.end);
        space.is_reserved = false;
    }
    heap_port_unlock(world);
    return releases;
}

static uintptr_t map_block(size_t bytes, size_t align)
{
    return align == HEAP_PAGE ? map(bytes, PROT_READ | PROT_WRITE, 0) : map_aligned(bytes, align);
}

void *heap_port_map(struct heap_world *world, size_t bytes, size_t align)
{
    uintptr_t start = map_block(bytes, align);
    if (start == 0 && release_reserve(world))
        start = map_block(bytes, align);
    return (void *)start;
}

void heap_port_unmap(struct heap_world *world, void *start, size_t bytes)
{
    (void)world;
    linux_munmap((uintptr_t)start, bytes);
}

void *heap_port_remap(struct heap_world *world, void *start, size_t from, size_t to, bool may_move)
{
    (void)world;
    long now = linux_mremap((uintptr_t)start, from, to, may_move ? MREMAP_MAYMOVE : 0);
    return linux_failed(now) ? NULL : (void *)now;
}

/* --- address space for table, marks and arena ----------------------------------------------------
 */

static size_t table_room(size_t arena_bytes)
{
    return arena_bytes / HEAP_SLICE_SIZE * sizeof(struct heap_slice);
}

static size_t books_room(size_t arena_bytes)
{
    return table_room(arena_bytes) * (HEAP_HARDEN ? 9 : 1);
}

/* Table and marks end where the arena starts. */
static void set_space(uintptr_t arena, size_t arena_bytes)
{
    space.table = arena - books_room(arena_bytes);
    space.marks = space.table + table_room(arena_bytes);
    space.arena = arena;
    space.end = arena + arena_bytes;
    space.next = arena;
    space.huge = arena + HUGE_ARENA;
}

/* The arena starts at a multiple of its size, so that its table can start small. What is not in use
 * yet stays without access: no policy counts it as memory, and mlockall() passes over it. */
static bool reserve(size_t arena_bytes)
{
    size_t room = books_room(arena_bytes) + 2 * arena_bytes;
    uintptr_t start = map(room, PROT_NONE, MAP_NORESERVE);
    if (start == 0)
        return false;
    set_space(bits_round_up(start + books_room(arena_bytes), arena_bytes), arena_bytes);
    unmap(start, space.table);
    unmap(space.end, start + room);
    linux_madvise(space.table, space.end - space.table, MADV_NOHUGEPAGE);
    space.is_reserved = true;
    return true;
}

/* Takes note of addresses far below those where the kernel puts mappings: it fills from the top. */
static bool plan_steps(void)
{
    uintptr_t probe = map(HEAP_PAGE, PROT_NONE, 0);
    if (probe == 0)
        return false;
    unmap(probe, probe + HEAP_PAGE);
    if (probe < 4 * ARENA_MAX)
        return false;
    set_space(bits_round_down(probe, ARENA_MAX) - 2 * ARENA_MAX, ARENA_MAX);
    return true;
}

bool hosted_reserve(struct heap_setup *setup)
{
    size_t bytes = may_reserve() ? ARENA_MAX : 0;
    while (bytes >= ARENA_MIN && !reserve(bytes))
        bytes /= 4;
    if (bytes < ARENA_MIN && !plan_steps())
        return false;
    setup->arena = space.arena;
    setup->reserve = space.end - space.arena;
    setup->table = (void *)space.table;
    setup->marks = (void *)space.marks;
    linux_getrandom(&setup->secret, HEAP_HARDEN ? sizeof setup->secret : 0);
    return true;
}

/* --- the arena and its table ---------------------------------------------------------------------
 */

/* A kernel before 4.17 takes the address for a hint. */
static enum outcome map_here(uintptr_t start, size_t bytes)
{
    long at = linux_mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE | MAP_FIXED_NOREPLACE);
    if (linux_failed(at))
        return at == -EEXIST ? OCCUPIED : REFUSED;
    if ((uintptr_t)at == start)
        return DONE;
    linux_munmap((uintptr_t)at, bytes);
    return OCCUPIED;
}

/* Makes a part of the address space usable. */
static enum outcome open_range(uintptr_t start, size_t bytes)
{
    if (!space.is_reserved)
        return map_here(start, bytes);
    return linux_mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0 ? DONE : REFUSED;
}

/* Whole huge pages pay once the heap is large; before, they would only bloat it. */
static void advise_huge(void)
{
    uintptr_t end = bits_round_down(space.next, HUGE_PAGE);
    if (end > space.huge) {
        linux_madvise(space.huge, end - space.huge, MADV_HUGEPAGE);
        space.huge = end;
    }
}

/* Where others have mapped something in the way, the arena goes on behind it. */
uintptr_t heap_port_extend(struct heap_world *world, size_t bytes)
{
    enum outcome outcome = OCCUPIED;
    uintptr_t start = 0;
    heap_port_lock(world);
    release_reserve(world);
    while (outcome == OCCUPIED && bytes <= space.end - space.next) {
        start = space.next;
        outcome = open_range(start, bytes);
        if (outcome != REFUSED)
            space.next += bytes;
    }
    if (outcome == DONE)
        advise_huge();
    heap_port_unlock(world);
    return outcome == DONE ? start : 0;
}

/* The parts of table and marks that this much of the table needs beyond what is usable. */
static bool extend_books(size_t bytes)
{
    size_t more = bytes - space.table_bytes;
    if (open_range(space.table + space.table_bytes, more) != DONE)
        return false;
    if (!HEAP_HARDEN || open_range(space.marks + 8 * space.table_bytes, 8 * more) == DONE)
        return true;
    if (!space.is_reserved)
        unmap(space.table + space.table_bytes, space.table + bytes);
    return false;
}

bool heap_port_extend_table(struct heap_world *world, size_t bytes)
{
    heap_port_lock(world);
    bool done = bytes <= space.table_bytes || extend_books(bytes);
    if (done)
        space.table_bytes = bits_max(space.table_bytes, bytes);
    heap_port_unlock(world);
    return done;
}

bool heap_port_commit(struct heap_world *world, uintptr_t start, size_t bytes)
{
    (void)world, (void)start, (void)bytes;
    return true;
}

/* Memory that the program has locked cannot be given back, but must be zero. */
void heap_port_purge(struct heap_world *world, uintptr_t start, size_t bytes)
{
    (void)world;
    if (linux_madvise(start, bytes, MADV_DONTNEED) != 0)
        __builtin_memset((void *)start, 0, bytes);
}

void heap_port_guard(struct heap_world *world, uintptr_t start, size_t bytes, bool on)
{
    (void)world;
    linux_mprotect(start, bytes, on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

/* SPDX-License-Identifier: MIT */
/* The heap's port over the host's mmap. What is outside the arena, the table and the mappings
 * faults when touched. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/addr.h"
#include "lib/alloc/heap_port.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "tests/host/expect.h"

#define ARENA_WINDOW ((size_t)4 * GIB)
#define TABLE_WINDOW ((size_t)64 * MIB)

bool host_heap_debug;
uintptr_t host_heap_arena;
uintptr_t host_heap_table;
size_t host_heap_arena_bytes;
size_t host_heap_mapped;
unsigned host_heap_calls;

static size_t table_bytes;
static bool fail_once, fail_onwards;
static unsigned calls_until_failure;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "host heap port: %s\n", what);
    abort();
}

static void *host_map(void *at, size_t bytes, int prot, int flags)
{
    void *start = mmap(at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    require(start != MAP_FAILED, "the host has no memory");
    return start;
}

/* Drops the contents of [start, start + bytes) and lets it fault. */
static void host_close(uintptr_t start, size_t bytes)
{
    if (bytes != 0)
        host_map((void *)start, bytes, PROT_NONE, MAP_FIXED);
}

static void host_open(uintptr_t start, size_t bytes)
{
    require(mprotect((void *)start, bytes, PROT_READ | PROT_WRITE) == 0, "mprotect fails");
}

/* `bytes` at a multiple of `align`: maps more and unmaps the ends. */
static void *host_map_aligned(size_t bytes, size_t align, int prot)
{
    size_t room = bytes + align - PAGE_SIZE;
    uintptr_t start = (uintptr_t)host_map(NULL, room, prot, 0);
    uintptr_t aligned = bits_round_up(start, align);
    if (aligned > start)
        munmap((void *)start, aligned - start);
    if (start + room > aligned + bytes)
        munmap((void *)(aligned + bytes), start + room - aligned - bytes);
    return (void *)aligned;
}

void host_heap_reset(void)
{
    if (host_heap_arena == 0) {
        /* A slice is left out in front, so that no mapping for a large block ends at the arena. */
        host_heap_arena =
            HEAP_SLICE_SIZE +
            (uintptr_t)host_map_aligned(ARENA_WINDOW + HEAP_SLICE_SIZE, HEAP_SLICE_SIZE, PROT_NONE);
        host_heap_table = (uintptr_t)host_map_aligned(TABLE_WINDOW, PAGE_SIZE, PROT_NONE);
    }
    host_close(host_heap_arena, host_heap_arena_bytes);
    host_close(host_heap_table, table_bytes);
    host_heap_arena_bytes = 0;
    table_bytes = 0;
    host_heap_mapped = 0;
    host_heap_calls = 0;
    host_heap_fail_never();
}

void host_heap_fail(unsigned call, bool onwards)
{
    fail_once = true;
    fail_onwards = onwards;
    calls_until_failure = call;
}

void host_heap_fail_never(void)
{
    fail_once = false;
    fail_onwards = false;
}

/* Counts a call that may fail, and decides whether it does. */
static bool call_fails(void)
{
    host_heap_calls++;
    if (!fail_once)
        return false;
    if (calls_until_failure > 0) {
        calls_until_failure--;
        return false;
    }
    fail_once = fail_onwards;
    return true;
}

bool heap_port_extend(intptr_t delta)
{
    require(bits_is_aligned((uint64_t)delta, HEAP_SLICE_SIZE), "not whole slices");
    size_t bytes = host_heap_arena_bytes + (size_t)delta;
    require(delta > 0 || bytes < host_heap_arena_bytes, "the arena shrinks below its start");
    if (call_fails() || bytes > ARENA_WINDOW)
        return false;
    if (delta > 0)
        host_open(host_heap_arena + host_heap_arena_bytes, (size_t)delta);
    else
        host_close(host_heap_arena + bytes, (size_t)-delta);
    host_heap_arena_bytes = bytes;
    return true;
}

bool heap_port_extend_table(size_t bytes)
{
    require(bytes > table_bytes, "the table does not grow");
    if (call_fails() || bytes > TABLE_WINDOW)
        return false;
    table_bytes = bits_round_up(bytes, PAGE_SIZE);
    host_open(host_heap_table, table_bytes);
    return true;
}

void *heap_port_map(size_t bytes, size_t align)
{
    require(bytes != 0 && bits_is_aligned(bytes, PAGE_SIZE), "not whole pages");
    require(bits_is_power_of_two(align) && align >= PAGE_SIZE, "a bad alignment");
    if (call_fails() || bytes > ARENA_WINDOW || align > ARENA_WINDOW)
        return NULL;
    host_heap_mapped += bytes;
    return host_map_aligned(bytes, align, PROT_READ | PROT_WRITE);
}

void heap_port_unmap(void *start, size_t bytes)
{
    require(bytes != 0 && bits_is_aligned(bytes, PAGE_SIZE), "not whole pages");
    require(bytes <= host_heap_mapped, "more is unmapped than was mapped");
    require(munmap(start, bytes) == 0, "munmap fails");
    host_heap_mapped -= bytes;
}

void heap_port_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    expect_panicked(format, arguments);
}

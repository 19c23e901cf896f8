/* SPDX-License-Identifier: MIT */
/* The heap's port over the host's mmap. What is outside the arena, the table and the mappings
 * faults when touched, and so does memory of the arena that was not committed. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "tests/host/expect.h"

#define WINDOWS      4
#define ARENA_WINDOW ((size_t)4 * GIB)
#define TABLE_WINDOW (ARENA_WINDOW / HEAP_SLICE_SIZE * sizeof(struct heap_slice))
#define MARKS_WINDOW (ARENA_WINDOW / HEAP_MIN_ALIGN / 8)

struct window {
    struct heap_world *world;
    uintptr_t base, arena, end, reserved; /* the arena is [arena, end) */
    uintptr_t table, marks;
    size_t table_bytes;
    pthread_mutex_t lock, port_lock;
};

bool host_heap_debug, host_heap_harden, host_heap_commits, host_heap_ticks;
size_t host_heap_huge_min = (size_t)1 << 20;
size_t host_heap_mapped, host_heap_committed;
unsigned host_heap_calls;
uint64_t host_heap_clock;
struct heap *host_heap_attached;

static struct window windows[WINDOWS];
unsigned host_heap_failures;

static unsigned failing[2] = {HOST_HEAP_NO_CALL, HOST_HEAP_NO_CALL}; /* by host_heap_calls */
static bool fail_onwards;

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

static struct window *window_of(const struct heap_world *world)
{
    for (unsigned i = 0; i < WINDOWS; i++)
        if (windows[i].world == world)
            return &windows[i];
    require(false, "an unknown world");
    return NULL;
}

/* A slice is left out in front, so that no mapping for a huge block ends at the arena. */
static void reserve_window(struct window *window)
{
    size_t align = ARENA_WINDOW;
    window->base = (uintptr_t)host_map_aligned(ARENA_WINDOW, align, PROT_NONE);
    window->table = (uintptr_t)host_map_aligned(TABLE_WINDOW, PAGE_SIZE, PROT_NONE);
    window->marks = (uintptr_t)host_map_aligned(MARKS_WINDOW, PAGE_SIZE, PROT_NONE);
    pthread_mutex_init(&window->lock, NULL);
    pthread_mutex_init(&window->port_lock, NULL);
}

static void start_over(struct heap_world *world, struct heap_setup *setup, unsigned number,
                       size_t reserve, size_t offset)
{
    struct window *window = &windows[number];
    if (window->base == 0)
        reserve_window(window);
    if (window->end > window->arena)
        host_close(window->arena, window->end - window->arena);
    host_close(window->table, window->table_bytes);
    host_close(window->marks, window->table_bytes * 8);
    window->world = world;
    window->arena = window->base + offset * HEAP_SLICE_SIZE;
    window->end = window->arena;
    window->reserved = window->arena + reserve;
    window->table_bytes = 0;
    host_heap_mapped = 0;
    host_heap_committed = 0;
    host_heap_ticks = false;
    host_heap_clock = 5000;
    host_heap_fail_never();
    *setup = (struct heap_setup){.arena = window->arena,
                                 .reserve = reserve,
                                 .table = (void *)window->table,
                                 .marks = (void *)window->marks,
                                 .secret = 0x5eed5eed5eed5eed};
}

void heap_home_setup(struct heap_world *world, struct heap_setup *setup)
{
    start_over(world, setup, 0, ARENA_WINDOW, 0);
}

void host_heap_start(struct heap_world *world, unsigned number, size_t reserve, size_t offset)
{
    struct heap_setup setup;
    start_over(world, &setup, number, reserve, offset);
    require(heap_world_init(world, &setup), "no first page of the table");
    host_heap_calls = 0;
}

void host_heap_fail_both(unsigned call, unsigned other)
{
    failing[0] = host_heap_calls + call;
    failing[1] = other == HOST_HEAP_NO_CALL ? other : host_heap_calls + other;
    fail_onwards = false;
}

void host_heap_fail(unsigned call, bool onwards)
{
    host_heap_fail_both(call, HOST_HEAP_NO_CALL);
    fail_onwards = onwards;
}

void host_heap_fail_never(void)
{
    failing[0] = HOST_HEAP_NO_CALL;
    failing[1] = HOST_HEAP_NO_CALL;
    fail_onwards = false;
}

/* Counts a call that may fail, and decides whether it does. */
static bool call_fails(void)
{
    unsigned call = __atomic_fetch_add(&host_heap_calls, 1, __ATOMIC_RELAXED);
    bool fails = call == failing[0] || call == failing[1] || (fail_onwards && call >= failing[0]);
    __atomic_fetch_add(&host_heap_failures, fails, __ATOMIC_RELAXED);
    return fails;
}

static void require_pages(uintptr_t start, size_t bytes)
{
    require(bytes != 0 && bits_is_aligned(start | bytes, PAGE_SIZE), "not whole pages");
}

uintptr_t heap_port_extend(struct heap_world *world, size_t bytes)
{
    struct window *window = window_of(world);
    require(bytes != 0 && bits_is_aligned(bytes, HEAP_SLICE_SIZE), "not whole slices");
    if (call_fails())
        return 0;
    pthread_mutex_lock(&window->port_lock);
    uintptr_t start = bytes > window->reserved - window->end ? 0 : window->end;
    if (start != 0) {
        __atomic_store_n(&window->end, start + bytes, __ATOMIC_RELAXED);
        if (!host_heap_commits)
            host_open(start, bytes);
    }
    pthread_mutex_unlock(&window->port_lock);
    return start;
}

bool heap_port_extend_table(struct heap_world *world, size_t bytes)
{
    struct window *window = window_of(world);
    if (call_fails() || bytes > TABLE_WINDOW)
        return false;
    pthread_mutex_lock(&window->port_lock);
    bytes = bits_round_up(bytes, PAGE_SIZE);
    if (bytes > window->table_bytes) {
        host_open(window->table, bytes);
        host_open(window->marks, bytes * 8);
        window->table_bytes = bytes;
    }
    pthread_mutex_unlock(&window->port_lock);
    return true;
}

static void require_arena(const struct heap_world *world, uintptr_t start, size_t bytes)
{
    const struct window *window = window_of(world);
    require_pages(start, bytes);
    require(start >= window->arena &&
                start + bytes <= __atomic_load_n(&window->end, __ATOMIC_RELAXED),
            "not in the arena");
}

bool heap_port_commit(struct heap_world *world, uintptr_t start, size_t bytes)
{
    require_arena(world, start, bytes);
    require(host_heap_commits, "nobody asked for commits");
    if (call_fails())
        return false;
    __atomic_add_fetch(&host_heap_committed, bytes, __ATOMIC_RELAXED);
    host_open(start, bytes);
    return true;
}

void heap_port_purge(struct heap_world *world, uintptr_t start, size_t bytes)
{
    require_arena(world, start, bytes);
    host_close(start, bytes);
    if (host_heap_commits)
        __atomic_sub_fetch(&host_heap_committed, bytes, __ATOMIC_RELAXED);
    else
        host_open(start, bytes);
}

void heap_port_guard(struct heap_world *world, uintptr_t start, size_t bytes, bool on)
{
    require_arena(world, start, bytes);
    require(mprotect((void *)start, bytes, on ? PROT_NONE : PROT_READ | PROT_WRITE) == 0,
            "mprotect fails");
}

void *heap_port_map(struct heap_world *world, size_t bytes, size_t align)
{
    window_of(world);
    require_pages(align, bytes);
    require(bits_is_power_of_two(align) && align >= PAGE_SIZE, "a bad alignment");
    if (call_fails() || bytes > ARENA_WINDOW || align > ARENA_WINDOW)
        return NULL;
    __atomic_add_fetch(&host_heap_mapped, bytes, __ATOMIC_RELAXED);
    return host_map_aligned(bytes, align, PROT_READ | PROT_WRITE);
}

void heap_port_unmap(struct heap_world *world, void *start, size_t bytes)
{
    window_of(world);
    require_pages((uintptr_t)start, bytes);
    size_t mapped = __atomic_fetch_sub(&host_heap_mapped, bytes, __ATOMIC_RELAXED);
    require(bytes <= mapped, "more is unmapped than was mapped");
    require(munmap(start, bytes) == 0, "munmap fails");
}

void *heap_port_remap(struct heap_world *world, void *start, size_t from, size_t to, bool may_move)
{
    window_of(world);
    require_pages((uintptr_t)start, from);
    require_pages((uintptr_t)start, to);
    if (call_fails() || to > ARENA_WINDOW)
        return NULL;
    void *moved = mremap(start, from, to, may_move ? MREMAP_MAYMOVE : 0);
    if (moved == MAP_FAILED)
        return NULL;
    __atomic_add_fetch(&host_heap_mapped, to - from, __ATOMIC_RELAXED);
    return moved;
}

void heap_port_lock(struct heap_world *world)
{
    pthread_mutex_lock(&window_of(world)->lock);
}

void heap_port_unlock(struct heap_world *world)
{
    pthread_mutex_unlock(&window_of(world)->lock);
}

void heap_port_reset_lock(struct heap_world *world)
{
    pthread_mutex_init(&window_of(world)->lock, NULL);
}

uint64_t heap_port_clock(struct heap_world *world)
{
    (void)world;
    return host_heap_clock;
}

struct heap *heap_port_attach(void)
{
    return host_heap_attached;
}

void heap_port_panic(const void *caller, const void *block, const char *format, ...)
{
    (void)caller;
    (void)block;
    va_list arguments;
    va_start(arguments, format);
    expect_panicked(format, arguments);
}

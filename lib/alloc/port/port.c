/* SPDX-License-Identifier: MIT */
/* The smallest port of the heap: one CPU, no page tables, a fixed piece of memory. */
#include <stdarg.h>

#include "lib/alloc/port/port.h"
#include "lib/format.h"

#define SLICES 256 /* 16 MiB; a power of two */

static _Alignas(HEAP_SLICE_SIZE) unsigned char arena[SLICES * HEAP_SLICE_SIZE];
static _Alignas(HEAP_PAGE) struct heap_slice table[SLICES];
static size_t used; /* bytes of the arena */
static struct heap_world world;
struct heap port_heap;

void port_start(void)
{
    struct heap_setup setup = {.arena = (uintptr_t)arena, .reserve = sizeof arena, .table = table};
    heap_world_init(&world, &setup);
    heap_init(&port_heap, &world);
}

uintptr_t heap_port_extend(struct heap_world *of, size_t bytes)
{
    uintptr_t start = (uintptr_t)arena + used;
    if (of != &world || bytes > sizeof arena - used)
        return 0;
    used += bytes;
    return start;
}

void heap_port_panic(const void *caller, const void *block, const char *format, ...)
{
    char sentence[200];
    (void)block;
    va_list arguments;
    va_start(arguments, format);
    format_text_v(sentence, sizeof sentence, format, arguments);
    port_stop(caller, sentence);
}

/* The table is there from the start. Nothing else is, on such a machine. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
// clang-format off
bool heap_port_extend_table(struct heap_world *of, size_t bytes) { return bytes <= sizeof table; }
bool heap_port_commit(struct heap_world *of, uintptr_t start, size_t bytes) { return true; }
void heap_port_purge(struct heap_world *of, uintptr_t start, size_t bytes) {}
void heap_port_guard(struct heap_world *of, uintptr_t start, size_t bytes, bool on) {}
void *heap_port_map(struct heap_world *of, size_t bytes, size_t align) { return NULL; }
void heap_port_unmap(struct heap_world *of, void *start, size_t bytes) {}
void *heap_port_remap(struct heap_world *of, void *at, size_t from, size_t to, bool may_move) { return NULL; }
void heap_port_lock(struct heap_world *of) {}
void heap_port_unlock(struct heap_world *of) {}
void heap_port_reset_lock(struct heap_world *of) {}
uint64_t heap_port_clock(struct heap_world *of) { return 0; }
struct heap *heap_port_attach(void) { return NULL; }

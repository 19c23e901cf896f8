/* SPDX-License-Identifier: MIT */
/*
 * Which heap is whose. A thread gets one with its first call: one that an earlier thread left, or a
 * new one; and leaves it when it ends, with all the blocks in it that still live.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hosted/hosted.h"
#include "lib/alloc/heap_port.h"
#include "lib/parse.h"

#define HEAPS_AT_ONCE 8 /* heaps of further threads are made so many at a time */

struct heap_world hosted_world;
__thread struct heap *hosted_heap = &heap_none;

static struct heap first_heap;   /* of the first thread: costs it no mapping */
static struct heap *spare_heaps; /* lock */
static size_t spare_count;       /* lock */
static size_t heap_count;        /* lock */
static bool is_ready;            /* lock: the world is */
static uint64_t cap;             /* of the world; 0: none */

/*
 * A thread's end is learnt from the destructor of a key. Other destructors may allocate and free
 * after ours, so it asks for another round until the last. The key's value is the heap's address,
 * with the number of rounds done in its low bits.
 */
static pthread_key_t end_key;
static bool has_end_key; /* lock */

_Static_assert(PTHREAD_DESTRUCTOR_ITERATIONS < _Alignof(struct heap), "rounds fit the low bits");

static void end_round(void *value)
{
    uintptr_t rounds = (uintptr_t)value % _Alignof(struct heap) + 1;
    if (hosted_heap == &heap_none)
        return;
    if (rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, (char *)hosted_heap + rounds);
        return;
    }
    heap_park(hosted_heap);
    hosted_heap = &heap_none;
}

/* --- a thread's first call ----------------------------------------------------------------------
 */

static bool make_world(void)
{
    struct heap_setup setup = {.cap = cap};
    return hosted_reserve(&setup) && heap_world_init(&hosted_world, &setup);
}

/* Memory for one more heap; the world's lock is held. */
static struct heap *heap_memory(void)
{
    if (heap_count == 0)
        return &first_heap;
    if (spare_count == 0) {
        spare_heaps = hosted_map(HEAPS_AT_ONCE * sizeof(struct heap));
        spare_count = spare_heaps != NULL ? HEAPS_AT_ONCE : 0;
    }
    return spare_count > 0 ? &spare_heaps[--spare_count] : NULL;
}

static struct heap *make_heap(void)
{
    heap_port_lock(&hosted_world);
    struct heap *heap = heap_memory();
    heap_count += heap != NULL;
    heap_port_unlock(&hosted_world);
    if (heap != NULL)
        heap_init(heap, &hosted_world);
    return heap;
}

/* The first thread keeps its heap to the end of the process. */
static void watch_end(struct heap *heap)
{
    if (heap == &first_heap)
        return;
    if (!has_end_key)
        has_end_key = pthread_key_create(&end_key, end_round) == 0;
    if (has_end_key)
        pthread_setspecific(end_key, heap);
}

struct heap *heap_port_attach(void)
{
    heap_port_lock(&hosted_world);
    is_ready = is_ready || make_world();
    bool ready = is_ready;
    heap_port_unlock(&hosted_world);
    if (!ready)
        return NULL;
    struct heap *heap = heap_adopt(&hosted_world);
    if (heap == NULL)
        heap = make_heap();
    if (heap == NULL)
        return NULL;
    hosted_heap = heap;
    watch_end(heap);
    return heap;
}

size_t hosted_heaps(void)
{
    return heap_count;
}

/* --- fork, start and end of the process ---------------------------------------------------------
 */

static void before_fork(void)
{
    heap_fork_prepare(&hosted_world);
}

static void after_fork_in_parent(void)
{
    heap_fork_parent(&hosted_world);
}

static void after_fork_in_child(void)
{
    heap_fork_child(&hosted_world);
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

static void read_cap(void)
{
    const char *text = getenv("LOAM_CAP");
    if (text == NULL || text[0] == '\0')
        return;
    if (parse_number(text, &cap) != 0)
        hosted_say("loam: LOAM_CAP=%s is not a number of bytes", text);
    if (is_ready)
        heap_set_cap(&hosted_world, cap);
}

/* What pthread_atfork() passes on; programs that are linked with libloam.a have one of their own.
 */
extern void *__dso_handle;
__attribute__((weak, visibility("hidden"))) void *__dso_handle = &__dso_handle;

static __attribute__((constructor)) void start(void)
{
    read_cap();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static __attribute__((destructor)) void end(void)
{
    if (!is_set("LOAM_STATS") || hosted_heap == &heap_none)
        return;
    heap_park(hosted_heap); /* what it only kept at hand is free now */
    hosted_heap = &heap_none;
    hosted_stats();
}

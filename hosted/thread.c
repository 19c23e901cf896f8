/* SPDX-License-Identifier: MIT */
/*
 * Which heap is whose. A thread gets one with its first call: one that an earlier thread left, or a
 * new one; and leaves it when it ends, with all the blocks in it that still live.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "hosted/hosted.h"
#include "hosted/linux.h"
#include "lib/alloc/heap_port.h"
#include "lib/parse.h"

#define HEAPS_AT_ONCE 8 /* heaps of further threads are made so many at a time */

struct heap_world hosted_world;
__thread struct heap *hosted_heap = &heap_none;

/* Each heap is part of one, its first member. */
struct owner {
    struct heap heap;
    long tid;           /* lock; of the late thread that has it */
    struct owner *next; /* lock; in the list of these */
};

static struct owner first_owner;   /* of the first thread: costs it no mapping */
static struct owner *spare_owners; /* lock */
static size_t spare_count;         /* lock */
static size_t heap_count;          /* lock */
static bool is_ready;              /* lock: the world is */
static uint64_t cap;               /* of the world; 0: none */
static bool wants_stats;

static bool make_world(void)
{
    struct heap_setup setup = {.cap = cap};
    return hosted_reserve(&setup) && heap_world_init(&hosted_world, &setup);
}

/* --- a thread's end ------------------------------------------------------------------------------
 */

/*
 * It is learnt from the destructor of a key. Other destructors may allocate and free after ours, so
 * it asks for another round until the last. The key's value is the heap's address, with the number
 * of rounds done in its low bits.
 */
static pthread_key_t end_key;
static bool has_end_key; /* lock */

/* The heap of a thread that has ended as far as it knows: none, too, but told apart. */
static struct heap heap_ended;

/*
 * Late threads: after the last destructor the C library frees what it kept for the thread, which
 * needs a heap once more; nobody says when it is done. Another thread's first call looks after it.
 */
static struct owner *late; /* lock */

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
    hosted_heap = &heap_ended;
}

static bool make_end_key(void)
{
    heap_ended = heap_none;
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        heap_ended.list[i] = (uintptr_t)&heap_ended.nil;
    return pthread_key_create(&end_key, end_round) == 0;
}

static void note_late(struct heap *heap)
{
    struct owner *owner = (struct owner *)heap;
    owner->tid = linux_gettid();
    heap_port_lock(&hosted_world);
    owner->next = late;
    late = owner;
    heap_port_unlock(&hosted_world);
}

/* The first thread keeps its heap to the end of the process. Where the program has taken all keys,
 * a thread counts as late from the start. */
static void watch_end(struct heap *heap)
{
    if (heap == &first_owner.heap)
        return;
    heap_port_lock(&hosted_world);
    has_end_key = has_end_key || make_end_key();
    heap_port_unlock(&hosted_world);
    if (!has_end_key || pthread_setspecific(end_key, heap) != 0)
        note_late(heap);
}

/* A late thread's heap, once the thread is gone; or NULL. */
static struct owner *take_late(void)
{
    heap_port_lock(&hosted_world);
    struct owner **at = &late;
    while (*at != NULL && linux_has_thread((*at)->tid))
        at = &(*at)->next;
    struct owner *gone = *at;
    if (gone != NULL)
        *at = gone->next;
    heap_port_unlock(&hosted_world);
    return gone;
}

static void park_late(void)
{
    struct owner *gone = late != NULL ? take_late() : NULL;
    for (; gone != NULL; gone = take_late())
        heap_park(&gone->heap);
}

/* --- a thread's first call ----------------------------------------------------------------------
 */

/* Memory for one more heap; the world's lock is held. */
static struct owner *owner_memory(void)
{
    if (heap_count == 0)
        return &first_owner;
    if (spare_count == 0) {
        spare_owners = hosted_map(HEAPS_AT_ONCE * sizeof(struct owner));
        spare_count = spare_owners != NULL ? HEAPS_AT_ONCE : 0;
    }
    return spare_count > 0 ? &spare_owners[--spare_count] : NULL;
}

static struct heap *make_heap(void)
{
    heap_port_lock(&hosted_world);
    struct owner *owner = owner_memory();
    heap_count += owner != NULL;
    heap_port_unlock(&hosted_world);
    if (owner == NULL)
        return NULL;
    heap_init(&owner->heap, &hosted_world);
    return &owner->heap;
}

static bool prepare_world(void)
{
    heap_port_lock(&hosted_world);
    is_ready = is_ready || make_world();
    bool ready = is_ready;
    heap_port_unlock(&hosted_world);
    return ready;
}

struct heap *heap_port_attach(void)
{
    if (!prepare_world())
        return NULL;
    park_late();
    struct heap *heap = heap_adopt(&hosted_world);
    if (heap == NULL)
        heap = make_heap();
    if (heap == NULL)
        return NULL;
    bool is_late = hosted_heap == &heap_ended;
    hosted_heap = heap;
    if (is_late)
        note_late(heap);
    else
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

/* Whether the heaps of late threads were whole when their threads stopped, nobody knows. */
static void after_fork_in_child(void)
{
    late = NULL;
    heap_fork_child(&hosted_world);
}

static void read_cap(const char *text)
{
    if (text[0] == '\0')
        return;
    if (parse_number(text, &cap) != 0)
        hosted_say("loam: LOAM_CAP=%s is not a number of bytes", text);
    if (is_ready)
        heap_set_cap(&hosted_world, cap);
}

/* What follows `start` in `text`, or NULL if it does not begin with it. strncmp() would be the
 * first function that many programs have bound at all, for a thousand instructions. */
static const char *behind(const char *text, const char *start)
{
    while (*start != '\0')
        if (*text++ != *start++)
            return NULL;
    return text;
}

static void read_setting(const char *variable)
{
    const char *stats = behind(variable, "LOAM_STATS="), *limit = behind(variable, "LOAM_CAP=");
    if (stats != NULL)
        wants_stats = stats[0] != '\0' && strcmp(stats, "0") != 0;
    else if (limit != NULL)
        read_cap(limit);
}

/* Nothing is read where the program has privileges that its caller lacks. */
static void read_environment(char *const environment[])
{
    for (; *environment != NULL; environment++)
        if (behind(*environment, "LOAM_") != NULL && getauxval(AT_SECURE) == 0)
            read_setting(*environment);
}

/* What pthread_atfork() passes on; programs that are linked with libloam.a have one of their own.
 */
extern void *__dso_handle;
__attribute__((weak, visibility("hidden"))) void *__dso_handle = &__dso_handle;

/*
 * Comes before all other constructors, so that our handler before a fork is called last: others'
 * wait for locks whose holders may be waiting for ours. The C library has not noted where the
 * environment is, so early.
 */
static __attribute__((constructor(101))) void start(int argc, char *argv[], char *environment[])
{
    (void)argc, (void)argv;
    read_environment(environment);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static __attribute__((destructor)) void end(void)
{
    if (!wants_stats || !is_ready)
        return;
    if (hosted_heap->world != NULL) {
        heap_park(hosted_heap); /* what it only kept at hand is free now */
        hosted_heap = &heap_none;
    }
    hosted_stats();
}

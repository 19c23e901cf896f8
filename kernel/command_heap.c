/* SPDX-License-Identifier: MIT */
/* The prompt's view of the kernel heap: by size class, by address, by call site, and in a churn. */
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/heap_churn.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmalloc_sites.h"
#include "kernel/mm/kmem_cache.h"
#include "kernel/mm/vmalloc.h"
#include "lib/alloc/heap.h"
#include "lib/format.h"
#include "lib/string.h"

#define TEXT 256

static void show_classes(const struct heap_stats *stats)
{
    char text[FORMAT_BYTES_SIZE];
    uint64_t bytes = 0, objects = 0;
    console_print("  class  slabs       used       room  full\n");
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        const struct heap_class_stats *class = &stats->classes[i];
        bytes += class->used * class->size;
        objects += class->used;
        if (class->slabs > 0)
            console_print("%7u %6u %10lu %10lu %3lu %%\n", class->size, class->slabs, class->used,
                          class->capacity - class->used, class->used * 100 / class->capacity);
    }
    console_print("%lu small blocks live or at hand, %s\n", objects, format_bytes(text, bytes));
}

static void show_memory(const struct heap_stats *stats)
{
    char text[FORMAT_BYTES_SIZE], arena[FORMAT_BYTES_SIZE], dirty[FORMAT_BYTES_SIZE];
    console_print("%lu large blocks, %s\n", stats->runs + stats->huge,
                  format_bytes(text, stats->run_bytes + stats->huge_bytes));
    console_print("%s of memory in an arena of %s; %s of it is free and dirty\n",
                  format_bytes(text, stats->taken), format_bytes(arena, stats->arena_bytes),
                  format_bytes(dirty, stats->dirty_bytes));
    console_print("%s at most, %s given back so far, %s for descriptors and records\n",
                  format_bytes(text, stats->taken_max), format_bytes(arena, stats->returned),
                  format_bytes(dirty, stats->metadata_bytes));
}

/* Objects of others that this heap freed and has not sent off. */
static unsigned long queued_for_others(const struct heap *heap)
{
    unsigned long count = 0;
    for (unsigned i = 0; i < HEAP_PENDING; i++)
        if (heap->pending[i].slab != NULL)
            count += HEAP_BATCH - heap->pending[i].room;
    return count;
}

/* Read while their owners go on: a picture, not a proof. */
static void show_queues(uint64_t wakes)
{
    for (unsigned id = 0; id < percpu_count(); id++) {
        const struct percpu *area = percpu_get(id);
        if (area->task_heap == NULL || area->interrupt_heap == NULL)
            continue;
        unsigned long task = queued_for_others(area->task_heap);
        unsigned long interrupt = queued_for_others(area->interrupt_heap);
        if (task + interrupt > 0 || id == 0)
            console_print("CPU %u has %lu blocks to send to other heaps, %lu of interrupts; "
                          "%u slices in reserve\n",
                          id, task, interrupt, area->interrupt_heap->stashed);
    }
    console_print("%lu slabs woken by frees from elsewhere\n", wakes);
}

static bool show(void)
{
    static struct heap_stats stats;
    char text[FORMAT_BYTES_SIZE];
    heap_stats(kmalloc_world(), &stats);
    show_classes(&stats);
    show_memory(&stats);
    show_queues(stats.wakes);
    struct vmalloc_stats virtual = vmalloc_stats();
    console_print("%zu blocks of vmalloc, %s\n", virtual.blocks, format_bytes(text, virtual.bytes));
    return true;
}

static bool explain(const char *argument)
{
    uint64_t address;
    char text[TEXT];
    if (!command_number(argument, "heap", &address))
        return false;
    heap_explain(kmalloc_world(), (const void *)address, text, sizeof text);
    console_print("%s\n", text);
    if (LOAM_DEBUG && kmalloc_sites_explain((const void *)address, text, sizeof text) > 0)
        console_print("%s\n", text);
    return true;
}

#define CHURN_SLOTS 2000
#define CHURN_STEPS 60000

static bool churn(void)
{
    struct heap_churn run = {.slots = CHURN_SLOTS, .steps = CHURN_STEPS};
    char live[FORMAT_BYTES_SIZE], taken[FORMAT_BYTES_SIZE];
    if (!heap_churn_run(&run)) {
        console_print("heap: too little memory for a churn\n");
        return false;
    }
    console_print("%lu allocations: %lu ticks in the mean, %lu at most\n", run.allocs,
                  run.alloc_ticks / run.allocs, run.alloc_max);
    console_print("%lu frees: %lu ticks in the mean, %lu at most\n", run.frees,
                  run.free_ticks / run.frees, run.free_max);
    console_print("%s live at most, in %s of memory\n", format_bytes(live, run.live),
                  format_bytes(taken, run.taken));
    return true;
}

static bool heap(int argc, char **argv)
{
    if (argc == 1)
        return show();
    return strcmp(argv[1], "churn") == 0 ? churn() : explain(argv[1]);
}

/* --- leaks --- */

#define SITES 512 /* that are told apart */
#define SHOWN 20

static void show_sites(void)
{
    static struct kmalloc_site sites[SITES];
    char name[TEXT], size[FORMAT_BYTES_SIZE];
    size_t count = kmalloc_sites_live(sites, SITES);
    console_print("    blocks       bytes  one of them         allocated by\n");
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        kmalloc_sites_name(sites[i].caller, name, sizeof name);
        console_print("%10zu  %10s  %p  %s\n", sites[i].blocks, format_bytes(size, sites[i].bytes),
                      sites[i].newest, name);
    }
    if (count > SHOWN)
        console_print("and %zu call sites more\n", count - SHOWN);
    if (kmalloc_sites_lost() > 0)
        console_print("of %lu blocks it is not known who allocated them\n", kmalloc_sites_lost());
}

static bool leaks(int argc, char **argv)
{
    if (!LOAM_DEBUG) {
        console_print("leaks: only debug builds know call sites (make run BUILD=debug)\n");
        return false;
    }
    if (argc > 1 && strcmp(argv[1], "mark") != 0) {
        console_print("leaks: \"%s\" is not mark\n", argv[1]);
        return false;
    }
    if (argc > 1)
        kmalloc_sites_mark();
    else
        show_sites();
    return true;
}

static void show_cache(const struct kmem_cache_stats *stats)
{
    char size[FORMAT_BYTES_SIZE];
    console_print("%-24s %8zu %8zu %8zu %6zu  %s\n", stats->name, stats->size, stats->live,
                  stats->capacity - stats->live, stats->slabs, format_bytes(size, stats->bytes));
}

static bool caches(int argc, char **argv)
{
    (void)argc, (void)argv;
    console_print("object cache                 size     live     free  slabs\n");
    kmem_cache_visit(show_cache);
    return true;
}

const struct command command_heap[] = {
    {"heap", "[ADDR | churn]", "the kernel heap; what lies at an address; the heap at work", 0, 1,
     heap},
    {"leaks", "[mark]", "blocks not freed, by call site, since `leaks mark` (debug builds)", 0, 1,
     leaks},
    {"caches", "", "object caches", 0, 0, caches},
    {0},
};

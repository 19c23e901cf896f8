/* SPDX-License-Identifier: MIT */
/*
 * Takes blocks and callers, and remembers them in a table of sets, as a cache has them: a block is
 * in one of the few records of its set, the last in which it was, even when it is free.
 */
#include "kernel/mm/kmalloc_sites.h"

#include "kernel/symbols.h"
#include "lib/bits.h"
#include "lib/format.h"

#define WAYS  8
#define SETS  (LOAM_DEBUG ? 2048 : 1)
#define CLAIM ((uintptr_t)1)     /* instead of a block: somebody fills in the record */
#define MIXER 0x9e3779b97f4a7c15 /* 2^64 / the golden ratio */

/* Free iff freed_by != NULL or block == 0; only free records are claimed. */
struct record {
    uintptr_t block; /* atomic */
    const void *allocated_by;
    const void *freed_by; /* atomic */
    size_t size;
    uint64_t number;
};

static struct record records[SETS][WAYS];
static uint64_t allocations, marked, lost; /* atomic */

static struct record *set_of(const void *block)
{
    return records[((uintptr_t)block * MIXER >> 40) % SETS];
}

static struct record *find(const void *block)
{
    struct record *set = set_of(block);
    for (unsigned i = 0; i < WAYS; i++)
        if (__atomic_load_n(&set[i].block, __ATOMIC_ACQUIRE) == (uintptr_t)block)
            return &set[i];
    return NULL;
}

static bool is_live(const struct record *record)
{
    return __atomic_load_n(&record->block, __ATOMIC_ACQUIRE) > CLAIM &&
           __atomic_load_n(&record->freed_by, __ATOMIC_RELAXED) == NULL;
}

static bool claim(struct record *record)
{
    uintptr_t block = __atomic_load_n(&record->block, __ATOMIC_RELAXED);
    if (block == CLAIM || is_live(record))
        return false;
    return __atomic_compare_exchange_n(&record->block, &block, CLAIM, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* The block's record of old, or that of the set which has been free for longest. */
static struct record *choose(const void *block)
{
    struct record *set = set_of(block), *oldest = find(block);
    for (unsigned i = 0; i < WAYS && find(block) == NULL; i++)
        if (!is_live(&set[i]) && (oldest == NULL || set[i].number < oldest->number))
            oldest = &set[i];
    return oldest;
}

void kmalloc_sites_alloc(const void *block, size_t size, const void *caller)
{
    struct record *record = choose(block);
    uint64_t number = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    if (record == NULL || !claim(record)) {
        __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
        return;
    }
    record->allocated_by = caller;
    record->size = size;
    record->number = number;
    __atomic_store_n(&record->freed_by, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&record->block, (uintptr_t)block, __ATOMIC_RELEASE);
}

void kmalloc_sites_free(const void *block, const void *caller)
{
    struct record *record = find(block);
    if (record != NULL)
        __atomic_store_n(&record->freed_by, caller, __ATOMIC_RELAXED);
}

/* --- looking at them --- */

/* The address before the return address belongs to the call. */
size_t kmalloc_sites_name(const void *caller, char *text, size_t room)
{
    uint64_t offset;
    uintptr_t address = (uintptr_t)caller - 1;
    const char *name = symbols_find(address, &offset);
    int length = name != NULL ? format_text(text, room, "%s+0x%lx", name, offset)
                              : format_text(text, room, "0x%lx", address);
    return (size_t)length;
}

/* The record of the block that starts at `address`; else of a live one that holds it. */
static const struct record *find_around(const void *address)
{
    const struct record *found = find(address);
    for (size_t i = 0; found == NULL && i < (size_t)SETS * WAYS; i++) {
        const struct record *record = &records[i / WAYS][i % WAYS];
        if (is_live(record) && (uintptr_t)address - record->block < record->size)
            found = record;
    }
    return found;
}

size_t kmalloc_sites_explain(const void *address, char *text, size_t room)
{
    const struct record *record = find_around(address);
    char by[64], freed[64] = "";
    if (record == NULL)
        return (size_t)format_text(text, room, "%s", "");
    kmalloc_sites_name(record->allocated_by, by, sizeof by);
    if (record->freed_by != NULL)
        kmalloc_sites_name(record->freed_by, freed, sizeof freed);
    return (size_t)format_text(text, room, "allocated by %s%s%s", by,
                               freed[0] != '\0' ? ", freed by " : "", freed);
}

/* Adds the block to its site; to none if there are `count` others. */
static size_t add(struct kmalloc_site *sites, size_t used, size_t count,
                  const struct record *record)
{
    size_t i = 0;
    while (i < used && sites[i].caller != record->allocated_by)
        i++;
    if (i == used && used == count)
        return used;
    if (i == used)
        sites[used++] = (struct kmalloc_site){.caller = record->allocated_by};
    sites[i].newest = (const void *)record->block;
    sites[i].blocks++;
    sites[i].bytes += record->size;
    return used;
}

static void order(struct kmalloc_site *sites, size_t used)
{
    for (size_t i = 1; i < used; i++) {
        for (size_t j = i; j > 0 && sites[j].bytes > sites[j - 1].bytes; j--) {
            struct kmalloc_site site = sites[j];
            sites[j] = sites[j - 1];
            sites[j - 1] = site;
        }
    }
}

size_t kmalloc_sites_live(struct kmalloc_site *sites, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        const struct record *record = &records[i / WAYS][i % WAYS];
        if (is_live(record) && record->number > __atomic_load_n(&marked, __ATOMIC_RELAXED))
            used = add(sites, used, count, record);
    }
    order(sites, used);
    return used;
}

void kmalloc_sites_mark(void)
{
    __atomic_store_n(&marked, __atomic_load_n(&allocations, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

uint64_t kmalloc_sites_lost(void)
{
    return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}

/* SPDX-License-Identifier: MIT */
/* See heap_churn.h. */
#include "kernel/heap_churn.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/vmalloc.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/splitmix.h"

#define SIZE_MIN 16
#define OCTAVES  8UL

struct slot {
    void *block; /* or NULL */
    size_t size;
};

/* 2^(fraction / 256), in units of 2^-32. */
static uint64_t power(unsigned fraction)
{
    static const uint64_t root[] = {/* 2^(1/256), 2^(2/256), ..., 2^(128/256) */
                                    4306612134, 4318288544, 4341736423, 4389014833,
                                    4485121744, 4683695048, 5107605667, 6074001000};
    uint64_t product = (uint64_t)1 << 32;
    for (unsigned bit = 0; bit < 8; bit++)
        if ((fraction >> bit & 1) != 0)
            product = (uint64_t)((unsigned __int128)product * root[bit] >> 32);
    return product;
}

static size_t random_size(uint64_t *random)
{
    unsigned logarithm = (unsigned)(splitmix_next(random) % (OCTAVES * 256));
    return (size_t)(power(logarithm % 256) * SIZE_MIN << logarithm / 256 >> 32);
}

static uint64_t now(void)
{
    return asm_read_tsc();
}

static void note_free(struct heap_churn *churn, uint64_t ticks)
{
    churn->frees++;
    churn->free_ticks += ticks;
    churn->free_max = bits_max(churn->free_max, ticks);
}

static void note_alloc(struct heap_churn *churn, uint64_t ticks)
{
    churn->allocs++;
    churn->alloc_ticks += ticks;
    churn->alloc_max = bits_max(churn->alloc_max, ticks);
}

static bool fill(struct heap_churn *churn, struct slot *slot)
{
    uint64_t start = now();
    slot->block = kmalloc(slot->size, 0);
    note_alloc(churn, now() - start);
    return slot->block != NULL;
}

static void empty(struct heap_churn *churn, struct slot *slot)
{
    uint64_t start = now();
    kfree(slot->block);
    note_free(churn, now() - start);
    slot->block = NULL;
}

static bool step_through(struct heap_churn *churn, struct slot *slots)
{
    uint64_t random = 1, live = 0, base = heap_taken(kmalloc_world());
    for (size_t i = 0; i < churn->steps; i++) {
        struct slot *slot = &slots[splitmix_next(&random) % churn->slots];
        if (slot->block != NULL) {
            live -= slot->size;
            empty(churn, slot);
            continue;
        }
        slot->size = random_size(&random);
        if (!fill(churn, slot))
            return false;
        live += slot->size;
        churn->live = bits_max(churn->live, live);
        churn->taken = bits_max(churn->taken, heap_taken(kmalloc_world()) - base);
    }
    return true;
}

bool heap_churn_run(struct heap_churn *churn)
{
    *churn = (struct heap_churn){.slots = churn->slots, .steps = churn->steps};
    struct slot *slots = vzalloc(churn->slots * sizeof *slots);
    if (slots == NULL)
        return false;
    kmalloc_trim();
    asm_interrupts_off();
    bool done = step_through(churn, slots);
    asm_interrupts_on();
    for (size_t i = 0; i < churn->slots; i++)
        kfree(slots[i].block);
    vfree(slots);
    return done;
}

/* SPDX-License-Identifier: MIT */
/* Vector clocks; and per word of memory the accesses made to it and what its stores published. */
#include "tests/explore/race.h"

#include <stdlib.h>

#define WORDS    (1u << 16) /* hash table; a power of two */
#define ACCESSES (1u << 17)
#define SYNCS    (1u << 14)

struct word {
    uintptr_t number;  /* address / 8 */
    uint32_t schedule; /* in which the rest was written; else the slot is free */
    uint32_t accesses; /* index of the first, or 0 */
    uint32_t syncs;
};

/* What is published in some bytes of a word; the bytes of its syncs are disjoint. */
struct sync {
    uint32_t next;
    uint8_t bytes;
    struct clock released;
};

static struct word words[WORDS];
static struct access accesses[ACCESSES];
static struct sync syncs[SYNCS];
static uint32_t schedule, access_count, sync_count, word_count;

/* By thread: what happened before now; before its last release fence; and before the stores that
 * it has read without acquiring, which an acquire fence makes up for. */
static struct clock now[EXPLORE_THREADS], fenced[EXPLORE_THREADS], seen[EXPLORE_THREADS];

static void join(struct clock *clock, const struct clock *other)
{
    for (unsigned i = 0; i < EXPLORE_THREADS; i++)
        if (clock->at[i] < other->at[i])
            clock->at[i] = other->at[i];
}

void race_reset(void)
{
    schedule++;
    access_count = sync_count = 1;
    word_count = 0;
    for (unsigned i = 0; i < EXPLORE_THREADS; i++) {
        now[i] = fenced[i] = seen[i] = (struct clock){{0}};
        now[i].at[i] = 1;
    }
}

/* --- words -------------------------------------------------------------------------------------*/

static struct word *word_at(uintptr_t number)
{
    uint32_t i = (uint32_t)((number * 0x9e3779b97f4a7c15) >> 48) % WORDS;
    while (words[i].schedule == schedule && words[i].number != number)
        i = (i + 1) % WORDS;
    if (words[i].schedule != schedule) {
        words[i] = (struct word){.number = number, .schedule = schedule};
        word_count++;
    }
    if (word_count > WORDS / 2 || access_count == ACCESSES || sync_count >= SYNCS - 1)
        explore_fail("the threads touch too much memory for the race detector");
    return &words[i];
}

/* The part of an operand that lies in one word. */
struct part {
    struct word *word;
    uint8_t bytes; /* 0: there are no more parts */
    uintptr_t end;
};

/* The part of the operand that begins at `start`. */
static struct part part_at(uintptr_t start, const struct op *op)
{
    uintptr_t end = op->address + op->size, next = (start | 7) + 1;
    if (start >= end)
        return (struct part){NULL, 0, start};
    if (next > end)
        next = end;
    unsigned bytes = ((1u << (next - start)) - 1) << start % 8;
    return (struct part){word_at(start / 8), (uint8_t)bytes, next};
}

/* --- accesses ----------------------------------------------------------------------------------*/

static bool conflicts(const struct access *a, const struct access *b)
{
    return a->thread != b->thread && (a->bytes & b->bytes) && (a->write || b->write) &&
           (a->plain || b->plain);
}

static bool is_repeated(const struct access *a, const struct access *b)
{
    return a->thread == b->thread && a->bytes == b->bytes && a->write == b->write &&
           a->plain == b->plain;
}

/* Puts the access on the word's list, in place of an older one like it. */
static const struct access *note(struct word *word, struct access new)
{
    struct access *like = NULL;
    for (uint32_t i = word->accesses; i != 0; i = accesses[i].next) {
        struct access *old = &accesses[i];
        if (conflicts(old, &new) && old->time > now[new.thread].at[old->thread])
            return old;
        if (is_repeated(old, &new))
            like = old;
    }
    if (like != NULL) {
        like->time = new.time;
        like->pc = new.pc;
        return NULL;
    }
    new.next = word->accesses;
    word->accesses = access_count;
    accesses[access_count++] = new;
    return NULL;
}

const struct access *race_access(unsigned thread, const struct op *op, bool write)
{
    struct access new = {.time = now[thread].at[thread],
                         .pc = op->pc,
                         .thread = (uint8_t)thread,
                         .write = write,
                         .plain = op_is_plain(op)};
    for (struct part part = part_at(op->address, op); part.bytes; part = part_at(part.end, op)) {
        new.bytes = part.bytes;
        const struct access *earlier = note(part.word, new);
        if (earlier != NULL)
            return earlier;
    }
    return NULL;
}

/* --- synchronisation ---------------------------------------------------------------------------*/

void race_acquire(unsigned thread, const struct op *op, int order)
{
    struct clock *to = order_acquires(order) ? &now[thread] : &seen[thread];
    for (struct part part = part_at(op->address, op); part.bytes; part = part_at(part.end, op))
        for (uint32_t i = part.word->syncs; i != 0; i = syncs[i].next)
            if (syncs[i].bytes & part.bytes)
                join(to, &syncs[i].released);
}

struct clock race_released(unsigned thread, int order)
{
    return order_releases(order) ? now[thread] : fenced[thread];
}

/* Publishes in some bytes of a word, whose older syncs lose these bytes. */
static void publish(struct word *word, uint8_t bytes, struct clock released, bool continues)
{
    struct sync *same = NULL;
    for (uint32_t i = word->syncs; i != 0; i = syncs[i].next) {
        if (continues && (syncs[i].bytes & bytes))
            join(&released, &syncs[i].released);
        if (syncs[i].bytes == bytes)
            same = &syncs[i];
        else
            syncs[i].bytes &= (uint8_t)~bytes;
    }
    if (same == NULL) {
        same = &syncs[sync_count];
        *same = (struct sync){.next = word->syncs, .bytes = bytes};
        word->syncs = sync_count++;
    }
    same->released = released;
}

void race_publish(const struct op *op, const struct clock *released, bool continues)
{
    for (struct part part = part_at(op->address, op); part.bytes; part = part_at(part.end, op))
        publish(part.word, part.bytes, *released, continues);
}

void race_fence(unsigned thread, int order)
{
    if (order_acquires(order))
        join(&now[thread], &seen[thread]);
    if (order_releases(order))
        fenced[thread] = now[thread];
}

void race_follow(unsigned thread, unsigned other)
{
    join(&now[thread], &now[other]);
}

void race_tick(unsigned thread)
{
    now[thread].at[thread]++;
}

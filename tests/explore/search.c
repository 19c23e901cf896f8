/* SPDX-License-Identifier: MIT */
/* The path from the root to the schedule that is being run; all that lies left of it is done. */
#include "tests/explore/search.h"

#include <stddef.h>

/* A choice. Masks hold one bit an actor. */
struct node {
    uint32_t enabled;
    uint32_t sleep; /* need not be tried: their subtrees would repeat earlier ones */
    uint32_t done;  /* tried before `choice` */
    int choice;
    int last;             /* the thread that ran before, or -1 */
    unsigned preemptions; /* before this choice */
    enum op_kind kind;    /* of the chosen step, and where it was: it must be so again */
    uintptr_t pc, address;
};

/* Of the path [0, length), the schedule has taken [0, depth). */
static struct node path[SEARCH_STEPS];
static unsigned length, depth;

static unsigned bound; /* 0: none */
static bool reduces;

/* Where the schedule is. */
static uint32_t sleep_now;
static int last_thread;
static unsigned preemptions_now;

void search_begin(unsigned preemptions, bool reduce)
{
    bound = preemptions;
    reduces = reduce && preemptions == 0;
    length = 0;
}

void search_start_schedule(void)
{
    depth = 0;
    sleep_now = 0;
    last_thread = -1;
    preemptions_now = 0;
}

unsigned search_depth(void)
{
    return depth;
}

static bool has(uint32_t mask, int actor)
{
    return actor >= 0 && (mask >> actor & 1);
}

static bool is_thread(int actor)
{
    return actor >= 0 && actor < SEARCH_BUFFER;
}

/* To take the turn from a thread that could go on. Buffers drain on the side. */
static bool preempts(const struct node *node, int actor)
{
    return is_thread(actor) && actor != node->last && has(node->enabled, node->last);
}

/* May the two steps change places? Then either order leads to the same state. */
static bool independent(const struct op *a, const struct op *b)
{
    if (!op_may_write(a) && !op_may_write(b))
        return true;
    return !op_overlaps(a, b->address, b->size);
}

/* The next actor to try, the thread that ran before first of all; or SEARCH_PRUNED. */
static int pick(const struct node *node)
{
    uint32_t left = node->enabled & ~node->done & ~node->sleep;
    if (has(left, node->last))
        return node->last;
    for (int actor = 0; actor < SEARCH_ACTORS; actor++)
        if (has(left, actor) && (bound == 0 || node->preemptions + preempts(node, actor) <= bound))
            return actor;
    return SEARCH_PRUNED;
}

/* Those that still sleep after the chosen step. */
static uint32_t still_asleep(const struct node *node, const struct op *const ops[])
{
    uint32_t asleep = 0;
    for (int actor = 0; actor < SEARCH_ACTORS; actor++)
        if (has(node->sleep | node->done, actor) && independent(ops[actor], ops[node->choice]))
            asleep |= 1u << actor;
    return reduces ? asleep : 0;
}

static void take(const struct node *node, const struct op *const ops[])
{
    sleep_now = still_asleep(node, ops);
    preemptions_now = node->preemptions + preempts(node, node->choice);
    if (is_thread(node->choice))
        last_thread = node->choice;
    depth++;
}

int search_choose(uint32_t enabled, const struct op *const ops[SEARCH_ACTORS])
{
    if (depth == SEARCH_STEPS)
        return SEARCH_ENDLESS;
    struct node *node = &path[depth];
    if (depth == length) {
        *node = (struct node){.enabled = enabled,
                              .sleep = sleep_now,
                              .last = last_thread,
                              .preemptions = preemptions_now};
        node->choice = pick(node);
        if (node->choice < 0)
            return SEARCH_PRUNED;
        length++;
    }
    const struct op *op = ops[node->choice];
    if (enabled != node->enabled)
        return SEARCH_UNSTABLE;
    if (depth + 1 == length) {
        node->kind = op->kind;
        node->pc = op->pc;
        node->address = op->address;
    }
    if (op->kind != node->kind || op->pc != node->pc || op->address != node->address)
        return SEARCH_UNSTABLE;
    take(node, ops);
    return node->choice;
}

bool search_advance(void)
{
    for (; length > 0; length--) {
        struct node *node = &path[length - 1];
        node->done |= 1u << node->choice;
        node->choice = pick(node);
        if (node->choice >= 0)
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* What each thread has looked at and changed lately. */
#include "tests/explore/spin.h"

#include "tests/explore/explore.h"

#define VISITS 64 /* a longer circle is not recognised */

/* A step of a thread. */
struct visit {
    uint64_t state; /* of the thread before it; with pc and address, where it is in its code */
    uintptr_t pc, address;
    unsigned size;
    bool changed;    /* something, other threads may have seen it */
    uint64_t effect; /* of the looker, before it */
    uint64_t others; /* steps of others, before it */
};

struct looker {
    struct visit visits[VISITS];
    unsigned count;
    enum spin spin;
    uint64_t state;  /* at its arrival */
    uint64_t effect; /* hash of all that it changed; a change and its undoing cancel out */
    uint64_t steps;
};

static struct looker lookers[EXPLORE_THREADS];
static uint64_t all_steps;
static unsigned tries_allowed; /* 0: no limit */

void spin_reset(unsigned tries)
{
    tries_allowed = tries;
    all_steps = 0;
    for (unsigned i = 0; i < EXPLORE_THREADS; i++) {
        spin_progress(i);
        lookers[i].effect = lookers[i].steps = 0;
    }
}

void spin_progress(unsigned thread)
{
    lookers[thread].count = 0;
    lookers[thread].spin = SPIN_NOT;
}

enum spin spin_state(unsigned thread)
{
    return lookers[thread].spin;
}

static uint64_t others(const struct looker *looker)
{
    return all_steps - looker->steps;
}

/* Is the looker, at an operation in this state, where it was at that visit? `changed`: it changed
 * something since. */
static enum spin compare(const struct looker *looker, const struct visit *visit, uint64_t state,
                         bool changed)
{
    if (visit->state != state)
        return SPIN_NOT;
    if (!changed)
        return SPIN_STUCK;
    bool undone = visit->effect == looker->effect && visit->others == others(looker);
    return undone ? SPIN_CIRCLING : SPIN_NOT;
}

void spin_arrive(unsigned thread, const struct op *op)
{
    struct looker *looker = &lookers[thread];
    unsigned tries = 0;
    bool changed = false;
    looker->spin = SPIN_NOT;
    looker->state = op->state;
    for (unsigned i = looker->count; i > 0 && looker->spin == SPIN_NOT; i--) {
        const struct visit *visit = &looker->visits[i - 1];
        changed |= visit->changed;
        if (visit->pc == op->pc && visit->address == op->address) {
            looker->spin = compare(looker, visit, op->state, changed);
            tries += !changed;
        }
    }
    if (looker->spin == SPIN_NOT && tries_allowed != 0 && tries >= tries_allowed)
        looker->spin = SPIN_TIRED;
}

/* --- steps -------------------------------------------------------------------------------------*/

static uint64_t hash(const struct op *op, value_t value, uint64_t where)
{
    const uint64_t prime = 0x9e3779b97f4a7c15;
    uint64_t mixed = (op->address ^ where) * prime;
    mixed = (mixed ^ (mixed >> 29) ^ (uint64_t)value) * prime;
    return (mixed ^ (mixed >> 32) ^ (uint64_t)(value >> 64)) * prime;
}

/* The step's part in looker->effect. */
static uint64_t effect_of(const struct op *op, bool buffered)
{
    const uint64_t memory = 0, buffer = 1;
    if (buffered)
        return hash(op, op->new, buffer);
    uint64_t effect = hash(op, op->old, memory) ^ hash(op, op->new, memory);
    return op->kind == OP_COMMIT ? effect ^ hash(op, op->new, buffer) : effect;
}

static bool has_looked(const struct looker *looker, const struct op *op)
{
    for (unsigned i = 0; i < looker->count; i++)
        if (op_overlaps(op, looker->visits[i].address, looker->visits[i].size))
            return true;
    return false;
}

static void wake_others(unsigned thread, const struct op *op, bool changed)
{
    for (unsigned i = 0; i < EXPLORE_THREADS; i++) {
        if (i == thread)
            continue;
        if (changed && has_looked(&lookers[i], op))
            spin_progress(i);
        if (lookers[i].spin == SPIN_CIRCLING)
            lookers[i].spin = SPIN_NOT;
    }
}

static void remember(struct looker *looker, const struct op *op, bool changed)
{
    if (looker->count == VISITS)
        looker->count = 0;
    looker->spin = SPIN_NOT;
    looker->visits[looker->count++] = (struct visit){.state = looker->state,
                                                     .pc = op->pc,
                                                     .address = op->address,
                                                     .size = op->size,
                                                     .changed = changed,
                                                     .effect = looker->effect,
                                                     .others = others(looker)};
}

void spin_step(unsigned thread, const struct op *op, bool buffered)
{
    struct looker *looker = &lookers[thread];
    bool changed = op->new != op->old;
    if (op->kind != OP_COMMIT)
        remember(looker, op, changed || buffered);
    looker->effect ^= effect_of(op, buffered);
    looker->steps++;
    all_steps++;
    wake_others(thread, op, changed && !buffered);
}

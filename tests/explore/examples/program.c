/* SPDX-License-Identifier: MIT */
/* Makes programs, runs them through the explorer, and tries all their interleavings by recursion on
 * a copied state. */
#include "tests/explore/examples/program.h"

#include <string.h>

#include "tests/host/random.h"

#define THREADS   3
#define LENGTH    3
#define VARIABLES 2
#define OUTCOMES  4096

enum action { LOAD, STORE, STORE_SEQ_CST, ADD, FENCE, AWAIT, ACTIONS };

static struct instruction {
    enum action action;
    unsigned variable;
    unsigned char value;
} program[THREADS][LENGTH];

/* Two threads run longer than three. */
static unsigned lengths[THREADS];

/* What a run computes: what each instruction read, and what is left. */
struct outcome {
    unsigned char read[THREADS][LENGTH];
    unsigned char left[VARIABLES];
};

struct outcomes {
    struct outcome list[OUTCOMES];
    unsigned count;
};

static struct outcomes found, expected;
static bool may_deadlock;
unsigned program_outcomes;

static void add_outcome(struct outcomes *to, const struct outcome *outcome)
{
    for (unsigned i = 0; i < to->count; i++)
        if (memcmp(&to->list[i], outcome, sizeof *outcome) == 0)
            return;
    if (to->count < OUTCOMES)
        to->list[to->count++] = *outcome;
}

static bool contains(const struct outcomes *all, const struct outcome *outcome)
{
    for (unsigned i = 0; i < all->count; i++)
        if (memcmp(&all->list[i], outcome, sizeof *outcome) == 0)
            return true;
    return false;
}

static void make_program(unsigned number)
{
    struct random random = {.state = number};
    for (unsigned i = 0; i < THREADS; i++) {
        bool is_short = number % 2;
        lengths[i] = is_short ? LENGTH - 1 : i < 2 ? LENGTH : 0;
        for (unsigned j = 0; j < LENGTH; j++) {
            program[i][j].action = (enum action)random_below(&random, ACTIONS);
            program[i][j].variable = (unsigned)random_below(&random, VARIABLES);
            program[i][j].value = (unsigned char)(1 + j + LENGTH * i);
        }
    }
}

/* --- by the explorer ---------------------------------------------------------------------------*/

static unsigned char variables[VARIABLES];
static struct outcome outcome;

static void reset(void)
{
    memset(variables, 0, sizeof variables);
    memset(&outcome, 0, sizeof outcome);
}

static unsigned char await(const unsigned char *variable)
{
    unsigned char value = 0;
    while (value == 0)
        value = __atomic_load_n(variable, __ATOMIC_RELAXED);
    return value;
}

static unsigned char perform(const struct instruction *instruction)
{
    unsigned char *variable = &variables[instruction->variable];
    switch (instruction->action) {
    case LOAD:
        return __atomic_load_n(variable, __ATOMIC_RELAXED);
    case STORE:
        __atomic_store_n(variable, instruction->value, __ATOMIC_RELAXED);
        return 0;
    case STORE_SEQ_CST:
        __atomic_store_n(variable, instruction->value, __ATOMIC_SEQ_CST);
        return 0;
    case ADD:
        return __atomic_fetch_add(variable, instruction->value, __ATOMIC_RELAXED);
    case AWAIT:
        return await(variable);
    default:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return 0;
    }
}

static void run_thread(unsigned id)
{
    for (unsigned i = 0; i < lengths[id]; i++)
        outcome.read[id][i] = perform(&program[id][i]);
}

static void note_outcome(void)
{
    memcpy(outcome.left, variables, sizeof variables);
    add_outcome(&found, &outcome);
}

/* --- by recursion ------------------------------------------------------------------------------*/

/* Stores that wait are instructions [drained, done) of their thread, if they are of kind STORE. */
struct state {
    struct outcome outcome;
    unsigned done[THREADS], drained[THREADS];
};

/* Lets the oldest waiting store of the thread, if any, reach memory. */
static bool drain(struct state *state, unsigned thread)
{
    while (state->drained[thread] < state->done[thread]) {
        const struct instruction *instruction = &program[thread][state->drained[thread]++];
        if (instruction->action == STORE) {
            state->outcome.left[instruction->variable] = instruction->value;
            return true;
        }
    }
    return false;
}

/* What the thread sees: its own newest waiting store, or memory. */
static unsigned char look(const struct state *state, unsigned thread, unsigned variable)
{
    for (unsigned i = state->done[thread]; i > state->drained[thread]; i--) {
        const struct instruction *instruction = &program[thread][i - 1];
        if (instruction->action == STORE && instruction->variable == variable)
            return instruction->value;
    }
    return state->outcome.left[variable];
}

static bool waits(const struct state *state, unsigned thread)
{
    struct state copy = *state;
    return drain(&copy, thread);
}

/* Can the thread do this now? */
static bool is_ready(const struct state *state, unsigned thread,
                     const struct instruction *instruction)
{
    switch (instruction->action) {
    case LOAD:
    case STORE:
        return true;
    case AWAIT:
        return look(state, thread, instruction->variable) != 0;
    default:
        return !waits(state, thread);
    }
}

/* Does the thread's next instruction, if it can be done now. */
static bool step(struct state *state, unsigned thread)
{
    unsigned at = state->done[thread];
    const struct instruction *instruction = &program[thread][at];
    if (at == lengths[thread] || !is_ready(state, thread, instruction))
        return false;
    unsigned char *variable = &state->outcome.left[instruction->variable];
    unsigned char *read = &state->outcome.read[thread][at];
    if (instruction->action == LOAD || instruction->action == AWAIT)
        *read = look(state, thread, instruction->variable);
    if (instruction->action == ADD)
        *read = *variable;
    if (instruction->action == ADD)
        *variable += instruction->value;
    if (instruction->action == STORE_SEQ_CST)
        *variable = instruction->value;
    state->done[thread]++;
    return true;
}

static bool is_finished(const struct state *state)
{
    return memcmp(state->done, lengths, sizeof lengths) == 0;
}

static void recurse(const struct state *state, bool has_buffers)
{
    bool is_end = true;
    for (unsigned i = 0; i < THREADS; i++) {
        struct state next = *state;
        if (step(&next, i)) {
            is_end = false;
            if (!has_buffers)
                drain(&next, i);
            recurse(&next, has_buffers);
        }
        next = *state;
        if (drain(&next, i)) {
            is_end = false;
            recurse(&next, has_buffers);
        }
    }
    if (is_end && is_finished(state))
        add_outcome(&expected, &state->outcome);
    may_deadlock |= is_end && !is_finished(state);
}

/* --- compared ----------------------------------------------------------------------------------*/

const char *program_difference(unsigned number, enum explore_memory memory, bool unreduced)
{
    const struct explore_test test = {.name = "program",
                                      .setup = reset,
                                      .thread = {run_thread, run_thread, run_thread},
                                      .check = note_outcome,
                                      .memory = memory,
                                      .unreduced = unreduced};
    const struct state start = {.done = {0}};
    found.count = expected.count = 0;
    may_deadlock = false;
    make_program(number);
    struct explore_result result = explore_run(&test, NULL);
    recurse(&start, memory == EXPLORE_TSO);
    program_outcomes += found.count;
    if (result.verdict != (may_deadlock ? EXPLORE_DEADLOCK : EXPLORE_PASSED) || result.cut)
        return "the explorer ends otherwise";
    for (unsigned i = 0; i < found.count; i++)
        if (!contains(&expected, &found.list[i]))
            return "the explorer finds an outcome that cannot be";
    if (found.count < expected.count && !may_deadlock)
        return "the explorer misses an outcome";
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/* One schedule from start to end: whose turn it is, and what that one does. */
#include "tests/explore/thread.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/explore/fiber.h"
#include "tests/explore/memory.h"
#include "tests/explore/race.h"
#include "tests/explore/search.h"
#include "tests/explore/spin.h"
#include "tests/explore/symbol.h"
#include "tests/explore/trace.h"
#include "tests/explore/tsan.h"

#define STACK_BYTES ((size_t)32 << 10)
#define GUARD_BYTES ((size_t)4 << 10)
#define PLAIN_LIMIT (1u << 22) /* plain accesses in a schedule; more have no end */

struct thread {
    void *stack_pointer; /* while it does not run */
    bool finished;
    struct op pending; /* what it will do at its turn; valid unless it runs or is finished */
};

static struct thread threads[EXPLORE_THREADS];
static unsigned thread_count;
static struct thread *running; /* NULL in setup, check, and outside of schedules */

static const struct explore_test *test;
static struct thread_outcome outcome;
static void *home; /* thread_run's context, while another one runs */
static bool starting;
static unsigned plain_count;

/* --- contexts ----------------------------------------------------------------------------------*/

/* Each thread has a stack for the code under test, and one for us; setup and check share one more.
 * They are mapped once, so that addresses on them are the same in each schedule. */
static unsigned char *stack_end(unsigned number)
{
    static unsigned char *stacks;
    const unsigned count = 2 * EXPLORE_THREADS + 1;
    const size_t each = GUARD_BYTES + STACK_BYTES;
    if (stacks == NULL) {
        stacks =
            mmap(NULL, count * each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stacks == MAP_FAILED)
            abort();
        for (unsigned i = 0; i < count; i++)
            mprotect(stacks + i * each, GUARD_BYTES, PROT_NONE);
    }
    return stacks + (number + 1) * each;
}

#define OUR_STACK   EXPLORE_THREADS /* + thread */
#define ALONE_STACK (2 * EXPLORE_THREADS)

static bool on_stack(unsigned number, uintptr_t address)
{
    return (uintptr_t)stack_end(number) - address <= STACK_BYTES;
}

static void set_running(struct thread *thread)
{
    running = thread;
    tsan_stack = thread == NULL ? NULL : stack_end(OUR_STACK + (unsigned)(thread - threads));
}

/* Leaves the running context for good. */
static _Noreturn void go_home(void)
{
    void *ignored;
    set_running(NULL);
    fiber_switch(&ignored, home);
    abort();
}

void thread_fail_v(enum explore_verdict verdict, const char *format, va_list arguments)
{
    outcome.verdict = verdict;
    vsnprintf(outcome.message, sizeof outcome.message, format, arguments);
    if (home == NULL) {
        fprintf(stderr, "outside of an exploration: %s\n", outcome.message);
        abort();
    }
    go_home();
}

void thread_fail(enum explore_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    thread_fail_v(verdict, format, arguments);
}

/* --- turns -------------------------------------------------------------------------------------*/

/* What each actor does next; NULL if that is nothing. */
static void next_ops(const struct op *ops[SEARCH_ACTORS])
{
    memset(ops, 0, SEARCH_ACTORS * sizeof *ops);
    for (unsigned i = 0; i < thread_count; i++) {
        ops[i] = threads[i].finished ? NULL : &threads[i].pending;
        ops[SEARCH_BUFFER + i] = memory_oldest(i);
    }
}

/* Can the thread, with `op` before it, make a step that matters? */
static bool is_eager(unsigned thread, const struct op *op)
{
    return !memory_must_drain(thread, op) && spin_state(thread) == SPIN_NOT;
}

/* Those who can make a step; those who only count their tries, if no one else can. */
static uint32_t enabled_actors(const struct op *const ops[SEARCH_ACTORS])
{
    uint32_t eager = 0, tired = 0;
    for (unsigned i = 0; i < thread_count; i++) {
        if (ops[SEARCH_BUFFER + i] != NULL)
            eager |= 1u << (SEARCH_BUFFER + i);
        if (ops[i] != NULL && is_eager(i, ops[i]))
            eager |= 1u << i;
        if (ops[i] != NULL && spin_state(i) == SPIN_TIRED)
            tired |= 1u << i;
    }
    return eager != 0 ? eager : tired;
}

/* No one can make a step, but not all are finished. */
static _Noreturn void fail_stuck(void)
{
    char text[200] = "", place[120];
    bool circling = false;
    for (unsigned i = 0; i < thread_count; i++) {
        if (threads[i].finished)
            continue;
        size_t used = strlen(text);
        circling |= spin_state(i) == SPIN_CIRCLING;
        symbol_data(threads[i].pending.address, place, sizeof place);
        snprintf(text + used, sizeof text - used, "%s thread %u at %s", used ? "," : "", i, place);
    }
    if (circling)
        thread_fail(EXPLORE_LIVELOCK, "livelock: going round in circles:%s", text);
    thread_fail(EXPLORE_DEADLOCK, "deadlock: waiting for what nobody will do:%s", text);
}

/* The actor to make the next step. Does not return if the schedule is at its end. */
static unsigned choose(void)
{
    const struct op *ops[SEARCH_ACTORS];
    next_ops(ops);
    uint32_t enabled = enabled_actors(ops);
    bool finished = true;
    for (unsigned i = 0; i < thread_count; i++)
        finished &= threads[i].finished;
    if (enabled == 0 && finished)
        go_home();
    if (enabled == 0)
        fail_stuck();
    int actor = search_choose(enabled, ops);
    if (actor == SEARCH_UNSTABLE)
        thread_fail(EXPLORE_UNSTABLE, "step %u differs from the last time: does setup reset all?",
                    search_depth());
    if (actor == SEARCH_ENDLESS)
        thread_fail(EXPLORE_LIVELOCK,
                    "livelock: no end after %u steps (if a loop counts: see explore_test.tries)",
                    search_depth());
    outcome.pruned = actor == SEARCH_PRUNED;
    if (outcome.pruned)
        go_home();
    return (unsigned)actor;
}

static void commit(unsigned thread)
{
    struct op op;
    memory_commit(thread, &op);
    trace_note(thread, &op);
    spin_step(thread, &op, false);
}

/* Lets the chosen actors make their steps; returns when it is this context's turn. */
static void give_turn(struct thread *self, void **stack_pointer)
{
    unsigned actor = choose();
    for (; actor >= SEARCH_BUFFER; actor = choose())
        commit(actor - SEARCH_BUFFER);
    if (test->one_cpu && self != NULL)
        race_follow(actor, (unsigned)(self - threads));
    set_running(&threads[actor]);
    if (running != self)
        fiber_switch(stack_pointer, running->stack_pointer);
}

/* Stops the running thread until it is its turn to do `op`. */
static void await_turn(const struct op *op)
{
    struct thread *self = running;
    self->pending = *op;
    if (starting)
        fiber_switch(&self->stack_pointer, home);
    else
        give_turn(self, &self->stack_pointer);
}

/* --- what threads do ---------------------------------------------------------------------------*/

static unsigned running_id(void)
{
    return (unsigned)(running - threads);
}

int explore_thread(void)
{
    return running == NULL ? -1 : (int)running_id();
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

/* Hashes all that the thread remembers, and what it is about to do; in four strands, which the
 * processor works at side by side. */
static uint64_t state_of(const struct op *op, const uint64_t *frame, const void *end)
{
    uint64_t hash[4] = {op->address, (uint64_t)op->operand, (uint64_t)op->expected, 0};
    const uint64_t *word = frame;
    for (; word + 4 <= (const uint64_t *)end; word += 4)
        for (unsigned i = 0; i < 4; i++)
            hash[i] = mix(hash[i], word[i]);
    for (; word < (const uint64_t *)end; word++)
        hash[3] = mix(hash[3], *word);
    return mix(mix(mix(hash[0], hash[1]), hash[2]), hash[3]);
}

static void check_race(unsigned thread, const struct op *op, bool write)
{
    char data[120], here[160], there[160];
    const struct access *other = race_access(thread, op, write);
    if (other == NULL)
        return;
    trace_note(thread, op);
    symbol_data(op->address, data, sizeof data);
    symbol_code(op->pc, here, sizeof here);
    symbol_code(other->pc, there, sizeof there);
    thread_fail(EXPLORE_RACE, "data race on %s: thread %u %s%s at %s, thread %u %s%s at %s", data,
                other->thread, other->plain ? "" : "atomically ", other->write ? "writes" : "reads",
                there, thread, op_is_plain(op) ? "" : "atomically ", write ? "writes" : "reads",
                here);
}

/* May other threads see when it is done? Fences and buffered stores concern only their own. */
static bool is_step(unsigned thread, const struct op *op)
{
    bool is_private = op->kind == OP_FENCE || memory_is_buffered(op);
    return !is_private || memory_must_drain(thread, op);
}

void thread_perform(struct op *op, const uint64_t *frame)
{
    if (running == NULL) {
        memory_perform_alone(op);
        return;
    }
    unsigned id = running_id();
    if (is_step(id, op)) {
        op->state = state_of(op, frame, stack_end(id));
        spin_arrive(id, op);
        await_turn(op);
    }
    memory_perform(id, op);
    if (op->kind != OP_FENCE) {
        check_race(id, op, op_may_write(op) && !op->failed);
        spin_step(id, op, memory_is_buffered(op));
    }
    race_tick(id);
    trace_note(id, op);
}

void thread_access(struct op *op)
{
    if (running == NULL || op->size == 0)
        return;
    unsigned id = running_id();
    if (memory_must_drain(id, op))
        await_turn(op);
    check_race(id, op, op->kind == OP_WRITE);
    if (++plain_count > PLAIN_LIMIT)
        thread_fail(EXPLORE_LIVELOCK, "livelock: no end after %u plain accesses", plain_count);
    if (on_stack(id, op->address))
        return;
    trace_note(id, op);
    if (op->kind == OP_WRITE)
        spin_progress(id);
}

/* --- a schedule --------------------------------------------------------------------------------*/

static void thread_main(void)
{
    struct thread *self = running;
    test->thread[self - threads]((unsigned)(self - threads));
    self->finished = true;
    if (starting)
        go_home();
    give_turn(self, &self->stack_pointer);
    abort();
}

static void (*alone)(void);

static void alone_main(void)
{
    alone();
    go_home();
}

/* Calls setup or check, on a stack that a failure may abandon. */
static void run_alone(void (*function)(void))
{
    if (function == NULL || outcome.verdict != EXPLORE_PASSED || outcome.pruned)
        return;
    alone = function;
    fiber_switch(&home, fiber_new(stack_end(ALONE_STACK), alone_main));
}

/* Runs each thread up to its first step. */
static void start_threads(void)
{
    starting = true;
    for (unsigned i = 0; i < thread_count && outcome.verdict == EXPLORE_PASSED; i++) {
        memset(stack_end(i) - STACK_BYTES, 0, STACK_BYTES); /* unused slots are part of the state */
        threads[i] = (struct thread){.stack_pointer = fiber_new(stack_end(i), thread_main)};
        set_running(&threads[i]);
        fiber_switch(&home, threads[i].stack_pointer);
    }
    starting = false;
}

static void conduct(void)
{
    void *ignored;
    give_turn(NULL, &ignored);
}

static void forget(void)
{
    outcome = (struct thread_outcome){.verdict = EXPLORE_PASSED};
    thread_count = 0;
    while (thread_count < EXPLORE_THREADS && test->thread[thread_count] != NULL)
        thread_count++;
    set_running(NULL);
    plain_count = 0;
    memory_reset(test->memory);
    race_reset();
    spin_reset(test->tries);
    trace_reset();
    search_start_schedule();
}

struct thread_outcome thread_run(const struct explore_test *of)
{
    test = of;
    forget();
    run_alone(test->setup);
    start_threads();
    run_alone(conduct);
    run_alone(test->check);
    home = NULL;
    return outcome;
}

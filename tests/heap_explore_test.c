/* SPDX-License-Identifier: MIT */
/*
 * Explores lib/alloc/heap: what two or three heaps do to the same few slabs and runs, in every
 * order. A scenario prepares a tiny world, has each thread make a few calls with its own heap, and
 * names how many outcomes must have been seen when all schedules are done: so it is known that the
 * threads really met.
 *
 * Whatever the scenario: no page is in two live blocks, or in one without memory; what is written
 * in a block stays until it is freed; heap_check() finds nothing; and when all is freed, no slice
 * is in use and no memory is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/alloc/heap.h"
#include "lib/alloc/heap_tick.h"
#include "tests/explore/explore.h"

#define THREADS 3
#define SLICES  6
#define PAGES   (SLICES * HEAP_SLICE_PAGES)
#define RESERVE ((size_t)1 << 20)

/* Objects start with a page, so that of a page's contents only its first word counts. */
#define HALF    HEAP_SMALL_MAX       /* two objects fill a slab */
#define QUARTER (HEAP_SMALL_MAX / 2) /* four do */
#define LARGE   HEAP_SLICE_SIZE      /* a run of one slice */
#define HELD    6                    /* blocks that a scenario may hold */

struct scenario {
    const char *name;
    void (*prepare)(void);                    /* or NULL */
    void (*thread[THREADS + 1])(unsigned id); /* what each does; its heap is heaps[id] */
    unsigned (*outcome)(void);                /* its number, from 0 */
    size_t slices;                            /* that the arena may have */
    unsigned preemptions;                     /* at most; 0: any number */
    unsigned outcomes;                        /* how many; each is to be seen */
    bool buffers;                             /* of stores: explored as x86 has them */
    bool one_cpu;                             /* one of the two is an interrupt handler */
};

static const struct scenario *scenario;
static uint64_t outcomes_seen;

/* All that a schedule changes, but for the arena. */
static struct universe {
    struct heap_slice table[RESERVE / HEAP_SLICE_SIZE] __attribute__((aligned(4096)));
    struct heap_world world;
    struct heap heaps[THREADS];
    unsigned lock;
    uintptr_t end;            /* of what the port gave out */
    uint8_t committed[PAGES]; /* 1: has memory */
    uint8_t taken[PAGES];     /* 1: in a live block */
    uint32_t bytes[PAGES];    /* of the live block that starts there */
    void *held[HELD];         /* blocks, by what the scenario calls them */
    struct heap *adopted[THREADS];
    unsigned seen; /* what a scenario asks of a thread */
} universe, prepared;
static uintptr_t prepared_words[PAGES];
static bool is_prepared;

static unsigned char arena[SLICES * HEAP_SLICE_SIZE] __attribute__((aligned(65536)));

static struct heap_world *const world = &universe.world;
static struct heap *const heaps = universe.heaps;

/* --- the heap's world --- */

bool host_heap_debug, host_heap_harden, host_heap_commits = true, host_heap_ticks;
size_t host_heap_huge_min = SIZE_MAX;

uintptr_t heap_port_extend(struct heap_world *of, size_t bytes)
{
    (void)of;
    uintptr_t end = (uintptr_t)arena + scenario->slices * HEAP_SLICE_SIZE;
    uintptr_t start = __atomic_load_n(&universe.end, __ATOMIC_RELAXED);
    do {
        if (bytes > end - start)
            return 0;
    } while (!__atomic_compare_exchange_n(&universe.end, &start, start + bytes, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return start;
}

bool heap_port_extend_table(struct heap_world *of, size_t bytes)
{
    (void)of;
    return bytes <= sizeof universe.table;
}

static size_t page_of(uintptr_t address)
{
    size_t page = (address - (uintptr_t)arena) / HEAP_PAGE;
    explore_assert(page < PAGES);
    return page;
}

/* Seen by this test only: to the explorer it would be hundreds of accesses. */
static __attribute__((no_sanitize("thread"))) bool all_are(const uint8_t *bytes, size_t count,
                                                           uint8_t value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* These plain stores race with those of whoever had the bytes before, and has not let go of them in
 * an order that the heap sees to. */
static void mark(uint8_t *first, size_t count, uint8_t from, uint8_t to)
{
    explore_assert(all_are(first, count, from));
    memset(first, to, count);
}

bool heap_port_commit(struct heap_world *of, uintptr_t start, size_t bytes)
{
    (void)of;
    mark(&universe.committed[page_of(start)], bytes / HEAP_PAGE, 0, 1);
    return true;
}

void heap_port_purge(struct heap_world *of, uintptr_t start, size_t bytes)
{
    (void)of;
    explore_assert(all_are(&universe.taken[page_of(start)], bytes / HEAP_PAGE, 0));
    mark(&universe.committed[page_of(start)], bytes / HEAP_PAGE, 1, 0);
    for (uintptr_t page = start; page < start + bytes; page += HEAP_PAGE)
        *(uintptr_t *)page = 0;
}

void heap_port_guard(struct heap_world *of, uintptr_t start, size_t bytes, bool on)
{
    (void)of, (void)start, (void)bytes, (void)on;
}

void *heap_port_map(struct heap_world *of, size_t bytes, size_t align)
{
    (void)of, (void)bytes, (void)align;
    return NULL;
}

void heap_port_unmap(struct heap_world *of, void *start, size_t bytes)
{
    (void)of, (void)bytes;
    explore_fail("%p is unmapped", start);
}

void *heap_port_remap(struct heap_world *of, void *start, size_t from, size_t to, bool may_move)
{
    (void)of, (void)start, (void)from, (void)to, (void)may_move;
    return NULL;
}

/* Handlers must not: whom they interrupt may have it. */
void heap_port_lock(struct heap_world *of)
{
    (void)of;
    explore_assert(explore_thread() < 0 || !heaps[explore_thread()].is_interrupt);
    while (__atomic_exchange_n(&universe.lock, 1, __ATOMIC_ACQUIRE) != 0)
        ;
}

void heap_port_unlock(struct heap_world *of)
{
    (void)of;
    __atomic_store_n(&universe.lock, 0, __ATOMIC_RELEASE);
}

void heap_port_reset_lock(struct heap_world *of)
{
    heap_port_unlock(of);
}

uint64_t heap_port_clock(struct heap_world *of)
{
    (void)of;
    return 1;
}

struct heap *heap_port_attach(void)
{
    explore_fail("a thread has no heap");
}

void heap_port_panic(const void *caller, const void *block, const char *format, ...)
{
    (void)caller;
    (void)block;
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    explore_fail("panic: %s", sentence);
}

/* --- blocks --- */

static size_t pages_of(size_t bytes)
{
    return (bytes + HEAP_PAGE - 1) / HEAP_PAGE;
}

static void *get(struct heap *heap, size_t size)
{
    void *block = heap_alloc(heap, size);
    if (block == NULL)
        return NULL;
    size_t page = page_of((uintptr_t)block);
    explore_assert(all_are(&universe.committed[page], pages_of(size), 1));
    mark(&universe.taken[page], pages_of(size), 0, 1);
    universe.bytes[page] = (uint32_t)size;
    *(uintptr_t *)block = ~(uintptr_t)block;
    return block;
}

static void *must_get(struct heap *heap, size_t size)
{
    void *block = get(heap, size);
    explore_assert(block != NULL);
    return block;
}

static void give(struct heap *heap, void *block)
{
    size_t page = page_of((uintptr_t)block);
    explore_assert(*(uintptr_t *)block == ~(uintptr_t)block);
    mark(&universe.taken[page], pages_of(universe.bytes[page]), 1, 0);
    universe.bytes[page] = 0;
    heap_free(heap, block);
}

static void hold(unsigned number, size_t size)
{
    universe.held[number] = must_get(&heaps[0], size);
}

/* The thread frees a block of the first heap's, and its owner hears of it. */
static void give_remote(struct heap *heap, unsigned number)
{
    give(heap, universe.held[number]);
    heap_collect(heap);
}

/* --- each schedule --- */

static void prepare(void)
{
    const struct heap_setup setup = {
        .arena = (uintptr_t)arena, .reserve = RESERVE, .table = universe.table};
    memset(&universe, 0, sizeof universe);
    universe.end = (uintptr_t)arena;
    explore_assert(heap_world_init(world, &setup));
    for (unsigned i = 0; i < THREADS; i++)
        heap_init(&heaps[i], world);
    if (scenario->prepare != NULL)
        scenario->prepare();
}

static __attribute__((no_sanitize("thread"))) void save_words(void)
{
    for (size_t page = 0; page < PAGES; page++)
        prepared_words[page] = *(uintptr_t *)&arena[page * HEAP_PAGE];
}

static __attribute__((no_sanitize("thread"))) void load_words(void)
{
    for (size_t page = 0; page < PAGES; page++)
        *(uintptr_t *)&arena[page * HEAP_PAGE] = prepared_words[page];
}

static void set_up(void)
{
    if (!is_prepared) {
        prepare();
        save_words();
        memcpy(&prepared, &universe, sizeof universe);
        is_prepared = true;
    }
    memcpy(&universe, &prepared, sizeof universe);
    load_words();
}

static void run(unsigned id)
{
    __atomic_load_n(&universe.seen, __ATOMIC_RELAXED); /* or nobody could come before the rest */
    scenario->thread[id](id);
}

static void tell(const char *sentence)
{
    explore_fail("heap_check: %s", sentence);
}

/* Interrupts are over. */
static void trim_for_good(struct heap *heap)
{
    heap->is_interrupt = false;
    heap_trim(heap);
}

static void free_all(void)
{
    for (size_t page = 0; page < PAGES; page++)
        if (universe.bytes[page] != 0)
            give(&heaps[0], &arena[page * HEAP_PAGE]);
    for (unsigned i = 0; i < THREADS; i++)
        trim_for_good(&heaps[i]);
    give(&heaps[0], must_get(&heaps[0], LARGE)); /* frees what interrupts have left */
    for (unsigned i = 0; i < THREADS; i++)
        trim_for_good(&heaps[i]);
}

static void check(void)
{
    heap_check(world, tell);
    if (scenario->outcome != NULL)
        outcomes_seen |= (uint64_t)1 << scenario->outcome();
    while (heap_adopt(world) != NULL)
        ;
    free_all();
    heap_check(world, tell);
    explore_assert(world->free_slices * HEAP_SLICE_SIZE == universe.end - (uintptr_t)arena);
    explore_assert(heap_taken(world) == 0);
}

static void explore(const struct scenario *to_explore)
{
    struct explore_test test = {.name = to_explore->name,
                                .setup = set_up,
                                .check = check,
                                .memory = to_explore->buffers ? EXPLORE_TSO : EXPLORE_SC,
                                .preemptions = to_explore->preemptions,
                                .one_cpu = to_explore->one_cpu};
    for (unsigned i = 0; to_explore->thread[i] != NULL; i++)
        test.thread[i] = run;
    scenario = to_explore;
    outcomes_seen = 0;
    is_prepared = false;
    assert_true(explore_passes(&test));
    if (getenv("EXPLORE") == NULL && scenario->outcomes != 0)
        assert_int_equal(outcomes_seen, ((uint64_t)1 << scenario->outcomes) - 1);
}

/* --- one slab ---------------------------------------------------------------------------------*/

/* A slab that is used up, and its owner's current one. */
static void prepare_full(void)
{
    hold(0, HALF);
    hold(1, HALF);
}

static void free_0(unsigned id)
{
    give_remote(&heaps[id], 0);
}

static void free_1(unsigned id)
{
    give_remote(&heaps[id], 1);
}

static void get_half(unsigned id)
{
    universe.held[5] = must_get(&heaps[id], HALF);
}

static bool is_reused(void)
{
    return universe.held[5] == universe.held[0] || universe.held[5] == universe.held[1];
}

/* What comes back is used, or it comes too late: then the slab may sleep already, or not yet. */
static unsigned how_reused(void)
{
    return is_reused() ? 0 : 1 + (world->wakes != 0);
}

static void a_free_elsewhere_meets_the_owner_s_refill(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "free, refill",
                               .prepare = prepare_full,
                               .thread = {get_half, free_0},
                               .slices = 2,
                               .buffers = true,
                               .outcome = how_reused,
                               .outcomes = 3});
}

static void two_frees_elsewhere_meet_the_owner_s_refill(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "free, free, refill",
                               .prepare = prepare_full,
                               .thread = {get_half, free_0, free_1},
                               .slices = 2,
                               .preemptions = 2,
                               .outcome = how_reused,
                               .outcomes = 3});
}

static void get_two_halves(unsigned id)
{
    universe.held[4] = get(&heaps[id], HALF);
    universe.held[5] = get(&heaps[id], HALF);
}

/* There is no memory but what comes back. */
static unsigned how_many_halves(void)
{
    return (universe.held[4] != NULL) + (universe.held[5] != NULL);
}

static void what_comes_back_is_the_last_memory(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "free, free, allocate the last",
                               .prepare = prepare_full,
                               .thread = {get_two_halves, free_0, free_1},
                               .slices = 1,
                               .preemptions = 2,
                               .outcome = how_many_halves,
                               .outcomes = 3});
}

/* --- slabs that sleep -------------------------------------------------------------------------*/

/* The first slab sleeps, the second is in use and full. */
static void prepare_asleep(void)
{
    prepare_full();
    hold(2, HALF);
    hold(3, HALF);
}

static unsigned was_woken(void)
{
    return world->wakes != 0;
}

static void free_0_and_get_two(unsigned id)
{
    give(&heaps[id], universe.held[0]);
    get_two_halves(id);
}

/* If the other's wake has begun, the slab comes by way of it. */
static void the_owner_and_another_wake_one_slab(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "wake, wake by the owner",
                               .prepare = prepare_asleep,
                               .thread = {free_0_and_get_two, free_1},
                               .slices = 2,
                               .buffers = true,
                               .outcome = was_woken,
                               .outcomes = 2});
}

/* The first slab is queued, with one object free; the second is in use and full. */
static void prepare_one_free(void)
{
    prepare_asleep();
    give(&heaps[0], universe.held[0]);
}

static void a_slab_goes_to_sleep_and_is_woken(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "sleep, wake",
                               .prepare = prepare_one_free,
                               .thread = {get_two_halves, free_1},
                               .slices = 3,
                               .buffers = true,
                               .outcome = was_woken,
                               .outcomes = 2});
}

static void free_0_and_collect(unsigned id)
{
    give(&heaps[id], universe.held[0]);
    heap_collect(&heaps[id]);
    heap_collect(&heaps[id]);
}

static void the_owner_collects_while_another_wakes(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "wake, collect",
                               .prepare = prepare_asleep,
                               .thread = {free_0_and_collect, free_1},
                               .slices = 2,
                               .buffers = true,
                               .outcome = was_woken,
                               .outcomes = 2});
}

static void free_2(unsigned id)
{
    give_remote(&heaps[id], 2);
}

/* Both slabs sleep. */
static void prepare_both_asleep(void)
{
    prepare_asleep();
    hold(4, HALF);
    hold(5, HALF);
}

static void get_what_was_woken(unsigned id)
{
    if (get(&heaps[id], HALF) != NULL)
        __atomic_store_n(&universe.seen, 1, __ATOMIC_RELAXED);
}

static unsigned what_was_seen(void)
{
    return universe.seen;
}

static void two_slabs_are_woken_at_once(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "wake, wake, refill",
                               .prepare = prepare_both_asleep,
                               .thread = {get_what_was_woken, free_0, free_2},
                               .slices = 3,
                               .preemptions = 2,
                               .outcome = what_was_seen,
                               .outcomes = 2});
}

/* --- heaps that are left ----------------------------------------------------------------------*/

static void park(unsigned id)
{
    heap_park(&heaps[id]);
}

static void adopt_and_get(unsigned id)
{
    struct heap *adopted = heap_adopt(world);
    if (adopted == NULL)
        return;
    universe.adopted[id] = adopted;
    universe.held[5] = must_get(adopted, HALF);
}

static unsigned was_adopted(void)
{
    return (universe.adopted[0] != NULL) + (universe.adopted[1] != NULL) +
           (universe.adopted[2] != NULL);
}

/* The first slab sleeps, the second has room. */
static void prepare_leave(void)
{
    prepare_full();
    hold(2, HALF);
}

static void a_thread_exits_while_another_frees(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "park, free",
                               .prepare = prepare_leave,
                               .thread = {park, free_0},
                               .slices = 2,
                               .buffers = true});
}

static void a_thread_exits_and_its_heap_is_adopted(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "park, free, adopt",
                               .prepare = prepare_leave,
                               .thread = {park, free_0, adopt_and_get},
                               .slices = 2,
                               .preemptions = 2,
                               .outcome = was_adopted,
                               .outcomes = 2});
}

static void prepare_left(void)
{
    prepare_leave();
    heap_park(&heaps[0]);
}

static void adopt_and_trim(unsigned id)
{
    (void)id;
    struct heap *adopted = heap_adopt(world);
    if (adopted != NULL)
        heap_trim(adopted);
}

static unsigned adopted_by_the_first(void)
{
    return universe.adopted[0] != NULL;
}

static void two_adopt_one_heap(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "adopt, adopt, free",
                               .prepare = prepare_left,
                               .thread = {adopt_and_get, adopt_and_trim, free_0},
                               .slices = 2,
                               .preemptions = 2,
                               .outcome = adopted_by_the_first,
                               .outcomes = 2});
}

static void tick(unsigned id)
{
    heap_tick(&heaps[id], 10 * (uint64_t)HEAP_IDLE_MS);
}

static void a_heap_is_adopted_while_a_tick_looks_after_it(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "tick a parked heap, adopt, free",
                               .prepare = prepare_left,
                               .thread = {adopt_and_get, tick, free_0},
                               .slices = 2,
                               .preemptions = 2,
                               .outcome = adopted_by_the_first,
                               .outcomes = 2});
}

/* --- runs and purging -------------------------------------------------------------------------*/

static void prepare_runs(void)
{
    hold(0, LARGE);
    hold(1, LARGE);
    hold(2, LARGE);
}

static void get_large(unsigned id)
{
    must_get(&heaps[id], LARGE);
}

static void two_make_the_arena_grow(void **state)
{
    (void)state;
    explore(&(struct scenario){
        .name = "grow, grow", .thread = {get_large, get_half}, .slices = 2, .preemptions = 2});
}

static void free_runs_that_touch(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, merge, allocate",
                               .prepare = prepare_runs,
                               .thread = {free_0, free_1, get_large},
                               .slices = 4,
                               .preemptions = 2});
}

static void trim(unsigned id)
{
    heap_trim(&heaps[id]);
}

/* The first run is free and has memory. */
static void prepare_dirty(void)
{
    prepare_runs();
    give(&heaps[0], universe.held[0]);
}

static void get_5_large(unsigned id)
{
    universe.held[5] = must_get(&heaps[id], LARGE);
}

static unsigned first_run_reused(void)
{
    return universe.held[5] == universe.held[0];
}

static void a_run_is_purged_while_another_is_wanted(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "purge a run, allocate",
                               .prepare = prepare_dirty,
                               .thread = {trim, get_5_large},
                               .slices = 4,
                               .preemptions = 2,
                               .outcome = first_run_reused,
                               .outcomes = 2});
}

static void grow_1(unsigned id)
{
    size_t page = page_of((uintptr_t)universe.held[1]);
    void *block = heap_realloc(&heaps[id], universe.held[1], 2 * LARGE);
    explore_assert(block != NULL);
    mark(&universe.taken[page], pages_of(LARGE), 1, 0);
    universe.bytes[page] = 0;
    page = page_of((uintptr_t)block);
    mark(&universe.taken[page], pages_of(2 * LARGE), 0, 1);
    universe.bytes[page] = (uint32_t)(2 * LARGE);
    explore_assert(*(uintptr_t *)block == ~(uintptr_t)universe.held[1]);
    *(uintptr_t *)block = ~(uintptr_t)block;
    __atomic_store_n(&universe.seen, block == universe.held[1], __ATOMIC_RELAXED);
}

static void prepare_growth(void)
{
    prepare_runs();
    give(&heaps[0], universe.held[2]);
}

static void a_run_grows_into_what_another_wants(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "grow in place, allocate",
                               .prepare = prepare_growth,
                               .thread = {get_5_large, grow_1},
                               .slices = 5,
                               .preemptions = 3,
                               .outcome = what_was_seen,
                               .outcomes = 2});
}

/* A slab of four with one free object, whose pages a trim gives back. */
static void prepare_sparse(void)
{
    for (unsigned i = 0; i < 4; i++)
        hold(i, QUARTER);
    give(&heaps[0], universe.held[3]);
}

static void a_slab_is_purged_while_another_frees(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "purge a slab, free, free",
                               .prepare = prepare_sparse,
                               .thread = {trim, free_0, free_1},
                               .slices = 1,
                               .preemptions = 2});
}

/* --- interrupts -------------------------------------------------------------------------------*/

/* The second heap is an interrupt's. */
static void prepare_interrupt(void)
{
    explore_assert(heap_reserve(&heaps[1], 1));
    prepare_full();
    hold(2, LARGE);
    hold(3, LARGE);
}

static void work(unsigned id)
{
    give(&heaps[id], universe.held[0]);
    give(&heaps[id], universe.held[2]);
    must_get(&heaps[id], HALF);
    must_get(&heaps[id], LARGE);
}

static void handle(unsigned id)
{
    void *own = must_get(&heaps[id], HALF);
    give(&heaps[id], universe.held[1]);
    give(&heaps[id], universe.held[3]);
    heap_collect(&heaps[id]);
    give(&heaps[id], own);
}

static void a_handler_interrupts(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "interrupt",
                               .prepare = prepare_interrupt,
                               .thread = {work, handle},
                               .slices = 6,
                               .preemptions = 1,
                               .one_cpu = true});
}

static void free_run_2(unsigned id)
{
    give(&heaps[id], universe.held[2]);
}

static void free_run_3(unsigned id)
{
    give(&heaps[id], universe.held[3]);
}

/* By a handler, on another CPU. */
static void a_run_is_left_while_another_is_wanted(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "leave, allocate",
                               .prepare = prepare_interrupt,
                               .thread = {get_large, free_run_3},
                               .slices = 6,
                               .buffers = true});
}

/* By handlers on two. */
static void prepare_two_interrupts(void)
{
    explore_assert(heap_reserve(&heaps[1], 1) && heap_reserve(&heaps[2], 1));
    hold(2, LARGE);
    hold(3, LARGE);
}

static void two_runs_are_left_while_another_is_wanted(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "leave, leave, allocate",
                               .prepare = prepare_two_interrupts,
                               .thread = {get_large, free_run_2, free_run_3},
                               .slices = 6,
                               .preemptions = 2});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_elsewhere_meets_the_owner_s_refill),
        cmocka_unit_test(two_frees_elsewhere_meet_the_owner_s_refill),
        cmocka_unit_test(what_comes_back_is_the_last_memory),
        cmocka_unit_test(the_owner_and_another_wake_one_slab),
        cmocka_unit_test(a_slab_goes_to_sleep_and_is_woken),
        cmocka_unit_test(the_owner_collects_while_another_wakes),
        cmocka_unit_test(two_slabs_are_woken_at_once),
        cmocka_unit_test(a_thread_exits_while_another_frees),
        cmocka_unit_test(a_thread_exits_and_its_heap_is_adopted),
        cmocka_unit_test(two_adopt_one_heap),
        cmocka_unit_test(a_heap_is_adopted_while_a_tick_looks_after_it),
        cmocka_unit_test(two_make_the_arena_grow),
        cmocka_unit_test(free_runs_that_touch),
        cmocka_unit_test(a_run_is_purged_while_another_is_wanted),
        cmocka_unit_test(a_run_grows_into_what_another_wants),
        cmocka_unit_test(a_slab_is_purged_while_another_frees),
        cmocka_unit_test(a_handler_interrupts),
        cmocka_unit_test(a_run_is_left_while_another_is_wanted),
        cmocka_unit_test(two_runs_are_left_while_another_is_wanted),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("heap_explore", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Explores lib/alloc/frame: what two or three CPUs do to the same few frames, in every order. A
 * scenario prepares a little memory, has each CPU make a few calls, and names the outcomes that
 * must have been seen when all schedules are done: so it is known that the CPUs really met.
 *
 * Whatever the scenario: no frame is given out twice or before its last user let go, frame_check()
 * finds nothing, the count of free frames is exact, and when all is given back it is there again,
 * merged.
 */
#include "lib/alloc/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/alloc/frame_port.h"
#include "tests/explore/explore.h"

#define BLOCK 512
#define SPAN  (BLOCK * BLOCK)
#define BASE  SPAN              /* the first frame of all memory here: at 1 GiB */
#define FAR   (BASE + 2 * SPAN) /* where there is more, so that no CPU needs to save */
#define MORE  ((uint64_t)4 * BLOCK)
#define UNITS ((uint64_t)8 * BLOCK)
#define CPUS  3
#define BYTES ((size_t)256 << 10)

/* Ceilings of requests. One above BASE means: from there, and not what the CPU has at hand. */
#define NO_CEILING 0
#define CEILING    (BASE + SPAN + BLOCK)

struct scenario {
    const char *name;
    uint64_t memory;                    /* frames at BASE */
    uint64_t more;                      /* frames at FAR */
    uint64_t late;                      /* the last of memory, which a CPU adds */
    unsigned unit;                      /* no order is lower */
    void (*prepare)(void);              /* all is free then, and nothing at hand; or NULL */
    void (*cpu[CPUS + 1])(unsigned id); /* what each does */
    void (*check)(void);                /* beyond what is checked always, or NULL */
    bool buffers;                       /* of stores: explored as x86 has them */
    bool one_cpu;                       /* both are CPU 0: one is an interrupt handler */
    unsigned preemptions;               /* at most; 0: any number */
    unsigned outcomes;                  /* how many; each is to be seen */
};

static const struct scenario *scenario;
static uint64_t outcomes_seen;

/* All that a schedule changes. */
static struct world {
    struct frames frames;
    uint8_t taken[UNITS];   /* 1: in use */
    uint8_t order[UNITS];   /* of the block in use that starts there, + 1 */
    uint64_t added;         /* frames at BASE that are */
    frame_t got[CPUS];      /* by threads */
    unsigned drains;        /* how often CPUs asked for the frames of others */
    unsigned asked[CPUS];   /* the CPU shall drain */
    unsigned idle[CPUS];    /* 1: it has nothing to do; 2: somebody answers for it */
    unsigned cpu[CPUS + 1]; /* 1 + thread -> the CPU it is */
    unsigned char metadata[BYTES] __attribute__((aligned(64)));
} world, prepared;
static size_t world_size; /* of what is prepared; 0: nothing is */

static struct frames *const frames = &world.frames;

#define KNOWN 65536
static uint64_t known[KNOWN]; /* hashes of states that were checked; 0: none */
static unsigned known_count;

/* --- the allocator's world ---------------------------------------------------------------------*/

void frame_port_panic(const char *format, ...)
{
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    explore_fail("panic: %s", sentence);
}

void frame_port_zero(frame_t frame, unsigned order)
{
    (void)frame, (void)order;
}

unsigned frame_home_cpu(void)
{
    return world.cpu[1 + explore_thread()];
}

static void drain_as(unsigned cpu)
{
    unsigned *self = &world.cpu[1 + explore_thread()], before = *self;
    *self = cpu;
    explore_assert(frame_drain(frames));
    *self = before;
}

/* What an interrupt does on a CPU that was asked; here it comes between two calls. */
static void serve(void)
{
    unsigned *asked = &world.asked[frame_home_cpu()];
    if (__atomic_load_n(asked, __ATOMIC_ACQUIRE) == 0)
        return;
    explore_assert(frame_drain(frames));
    __atomic_store_n(asked, 0, __ATOMIC_RELEASE);
}

/* An idle CPU answers at once. */
static bool answer_for(unsigned cpu)
{
    unsigned idle = 1;
    if (!__atomic_compare_exchange_n(&world.idle[cpu], &idle, 2, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    drain_as(cpu);
    __atomic_store_n(&world.asked[cpu], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&world.idle[cpu], 1, __ATOMIC_RELEASE);
    return true;
}

void frame_home_drain_others(struct frames *of)
{
    explore_assert(of == frames);
    __atomic_fetch_add(&world.drains, 1, __ATOMIC_RELAXED);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        if (cpu == frame_home_cpu())
            continue;
        __atomic_store_n(&world.asked[cpu], 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&world.asked[cpu], __ATOMIC_ACQUIRE) != 0 && !answer_for(cpu))
            serve();
    }
}

/* --- frames in use -----------------------------------------------------------------------------*/

static uint64_t unit_of(frame_t frame)
{
    uint64_t index = frame.number - BASE;
    if (frame.number >= FAR)
        index = scenario->memory + frame.number - FAR;
    explore_assert(frame.number >= BASE && index < scenario->memory + scenario->more);
    return index >> scenario->unit;
}

static frame_t frame_at(uint64_t unit)
{
    uint64_t index = unit << scenario->unit;
    if (index < scenario->memory)
        return (frame_t){BASE + index};
    return (frame_t){FAR + index - scenario->memory};
}

static uint64_t units(unsigned order)
{
    return (uint64_t)1 << (order - scenario->unit);
}

/* Seen by this test only: to the explorer it would be hundreds of accesses. */
static __attribute__((no_sanitize("thread"))) bool all_are(uint64_t first, uint64_t count,
                                                           uint8_t value)
{
    for (uint64_t i = first; i < first + count; i++)
        if (world.taken[i] != value)
            return false;
    return true;
}

/* These plain stores race with those of whoever has the block, too, or has not let go of it in an
 * order that the allocator sees to. */
static void mark(frame_t frame, unsigned order, uint8_t from, uint8_t to)
{
    uint64_t first = unit_of(frame), count = units(order);
    explore_assert(frame.number % ((uint64_t)1 << order) == 0);
    explore_assert(all_are(first, count, from));
    memset(&world.taken[first], to, count);
    world.order[first] = to ? (uint8_t)(1 + order) : 0;
}

static frame_t get(unsigned order, uint64_t below)
{
    struct frame_request request = {.order = (uint8_t)order, .below = {below}};
    frame_t frame = frame_alloc(frames, request);
    if (!frame_is_none(frame))
        mark(frame, order, 0, 1);
    return frame;
}

static frame_t must_get(unsigned order, uint64_t below)
{
    frame_t frame = get(order, below);
    explore_assert(!frame_is_none(frame));
    return frame;
}

static void give(frame_t frame, unsigned order)
{
    mark(frame, order, 1, 0);
    frame_free(frames, frame, order);
}

static void give_at(uint64_t first, unsigned order)
{
    give((frame_t){BASE + first}, order);
}

/* Takes the block of 2^order frames at BASE + first. */
static bool get_at(uint64_t first, unsigned order)
{
    frame_t frame = {BASE + first};
    bool done = frame_alloc_at(frames, frame, order);
    if (done)
        mark(frame, order, 0, 1);
    return done;
}

static void hold(uint64_t first, unsigned order)
{
    explore_assert(get_at(first, order));
}

/* --- each schedule -----------------------------------------------------------------------------*/

static void see(unsigned outcome)
{
    outcomes_seen |= (uint64_t)1 << outcome;
}

static void drain_all(void)
{
    for (unsigned i = 0; i < CPUS; i++)
        drain_as(i);
}

/* Returns how much of the world is used. */
static size_t prepare(void)
{
    const struct frame_range ranges[] = {{{BASE}, {BASE + scenario->memory}},
                                         {{FAR}, {FAR + scenario->more}}};
    size_t count = scenario->more != 0 ? 2 : 1;
    memset(&world, 0, sizeof world);
    for (unsigned i = 0; i < CPUS; i++) {
        world.cpu[1 + i] = i;
        world.idle[i] = 1;
    }
    size_t size = frame_metadata_size(ranges, count, CPUS);
    explore_assert(size <= BYTES);
    memset(world.metadata, 0xa5, size);
    frame_init(frames, ranges, count, CPUS, world.metadata);
    world.added = scenario->memory - scenario->late;
    frame_add(frames, (frame_t){BASE}, (frame_t){BASE + world.added});
    frame_add(frames, ranges[1].start, ranges[1].end);
    if (scenario->prepare != NULL)
        scenario->prepare();
    world.drains = 0;
    for (unsigned i = 0; scenario->cpu[i] != NULL && !scenario->one_cpu; i++)
        world.idle[i] = 0;
    if (scenario->one_cpu)
        world.cpu[2] = 0;
    return offsetof(struct world, metadata) + size;
}

static void set_up(void)
{
    if (world_size == 0) {
        world_size = prepare();
        memcpy(&prepared, &world, world_size);
    }
    memcpy(&world, &prepared, world_size);
}

static void run(unsigned id)
{
    if (scenario->one_cpu) /* or what comes before the first operation would not be interrupted */
        __atomic_load_n(&world.idle[id], __ATOMIC_RELAXED);
    scenario->cpu[id](id);
    __atomic_store_n(&world.idle[id], 1, __ATOMIC_RELEASE);
}

static void tell(const char *sentence)
{
    explore_fail("frame_check: %s", sentence);
}

/* Those that a scenario may use. */
static uint64_t all_units(void)
{
    return (scenario->memory + scenario->more) >> scenario->unit;
}

static void check_counts(void)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i < all_units(); i++)
        if (world.order[i] != 0)
            taken += (uint64_t)1 << (world.order[i] - 1);
    frame_check(frames, tell);
    explore_assert(frame_free_count(frames) == world.added + scenario->more - taken);
}

static void give_all(void)
{
    for (uint64_t i = 0; i < all_units(); i++)
        if (world.order[i] != 0)
            give(frame_at(i), world.order[i] - 1U);
}

/* `count` free frames are there in pieces as large as can be. */
static void take_merged(uint64_t count, uint64_t below)
{
    for (unsigned order = FRAME_ORDER_MAX; count != 0; order--)
        for (; count >> order != 0; count -= (uint64_t)1 << order)
            must_get(order, below);
}

static void forget(void)
{
    memset(known, 0, sizeof known);
    known_count = 0;
}

/* Has this state of the world been checked already? Many schedules lead to the same one. */
static __attribute__((no_sanitize("thread"))) bool is_known(void)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < world_size / sizeof hash; i++) {
        hash = (hash ^ ((const uint64_t *)&world)[i]) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 32;
    }
    uint64_t *slot = &known[hash % KNOWN];
    while (*slot != 0 && *slot != hash)
        slot = slot + 1 == known + KNOWN ? known : slot + 1;
    if (*slot == hash)
        return true;
    if (++known_count == KNOWN / 2)
        forget();
    else
        *slot = hash;
    return false;
}

static void check(void)
{
    if (is_known())
        return;
    check_counts();
    if (scenario->check != NULL)
        scenario->check();
    drain_all();
    check_counts();
    give_all();
    drain_all();
    check_counts();
    take_merged(world.added, FAR);
    take_merged(scenario->more, NO_CEILING);
    explore_assert(frame_is_none(get(scenario->unit, NO_CEILING)));
    check_counts();
}

static void explore(const struct scenario *of)
{
    struct explore_test test = {.name = of->name,
                                .seconds = 600,
                                .setup = set_up,
                                .check = check,
                                .memory = of->buffers ? EXPLORE_TSO : EXPLORE_SC,
                                .preemptions = of->preemptions,
                                .one_cpu = of->one_cpu};
    for (unsigned i = 0; of->cpu[i] != NULL; i++)
        test.thread[i] = run;
    scenario = of;
    world_size = 0;
    forget();
    outcomes_seen = 0;
    assert_true(explore_passes(&test));
    assert_int_equal(outcomes_seen, ((uint64_t)1 << of->outcomes) - 1);
}

/* --- what CPUs do ------------------------------------------------------------------------------*/

static void get_single(unsigned id)
{
    world.got[id] = must_get(0, NO_CEILING);
}

static void get_single_shared(unsigned id)
{
    world.got[id] = must_get(0, CEILING);
}

static void try_single_shared(unsigned id)
{
    world.got[id] = get(0, CEILING);
}

static void get_pair(unsigned id)
{
    world.got[id] = must_get(1, CEILING);
}

static void get_word(unsigned id)
{
    world.got[id] = must_get(6, CEILING);
}

static void get_two_words(unsigned id)
{
    world.got[id] = must_get(7, CEILING);
}

static void get_and_give_word(unsigned id)
{
    get_word(id);
    give(world.got[id], 6);
}

static void get_block(unsigned id)
{
    world.got[id] = must_get(9, CEILING);
}

static void try_block(unsigned id)
{
    world.got[id] = get(9, CEILING);
}

static void drain(unsigned id)
{
    (void)id;
    explore_assert(frame_drain(frames));
}

static void give_word_0(unsigned id)
{
    (void)id;
    give_at(0, 6);
}

static void give_word_7(unsigned id)
{
    (void)id;
    give_at(448, 6);
}

static bool has_got(unsigned id)
{
    return !frame_is_none(world.got[id]);
}

/* Two CPUs wanted what only one can have. */
static void one_or_the_other(void)
{
    explore_assert(has_got(0) + has_got(1) == 1);
    see(has_got(1));
}

static void block_is_whole(void)
{
    drain_all();
    must_get(9, CEILING);
}

/* --- one word ----------------------------------------------------------------------------------*/

/* Of the 64 frames of one word, 4 and 5 are free. */
static void prepare_word(void)
{
    for (unsigned order = 3; order < 6; order++)
        hold((uint64_t)1 << order, order);
    hold(0, 1);
    hold(2, 1);
    hold(6, 1);
}

static void give_pairs(unsigned id)
{
    (void)id;
    give_at(2, 1);
    give_at(6, 1);
}

/* Which one it is depends on what was free at the moment. */
static void check_pair(void)
{
    see(world.got[0].number / 2 == BASE / 2 + 2);
}

static void allocate_against_free_in_one_word(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "allocate, free",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_word,
                               .cpu = {get_pair, give_pairs},
                               .check = check_pair,
                               .outcomes = 2});
}

static void two_allocate_in_one_word(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "allocate, allocate",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_word,
                               .cpu = {get_single_shared, get_single_shared}});
}

static void two_allocate_the_last_frames(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "last, last",
                               .buffers = true,
                               .memory = 64,
                               .prepare = prepare_word,
                               .cpu = {get_single, get_single}});
}

/* The same frames, but those that CPU 1 will free are single. */
static void prepare_singles(void)
{
    prepare_word();
    give_at(2, 1);
    give_at(6, 1);
    hold(2, 0);
    hold(3, 0);
    hold(6, 0);
    hold(7, 0);
}

static void give_singles(unsigned id)
{
    give_at(3, 0);
    give_at(6, 0);
    drain(id);
}

static void flush_against_take(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "flush, take",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_singles,
                               .cpu = {get_single, give_singles},
                               .check = check_pair,
                               .outcomes = 2});
}

static void three_in_one_word(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "allocate, free, take",
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_singles,
                               .cpu = {get_single_shared, give_singles, get_single},
                               .preemptions = 1});
}

/* --- owning ------------------------------------------------------------------------------------*/

/* In each of two words two frames are free; CPU 0 owns the block, and one of these is at its hand.
 */
static void prepare_owned(void)
{
    for (uint64_t word = 0; word < 128; word += 64)
        for (unsigned order = 1; order < 6; order++)
            hold(word + ((uint64_t)1 << order), order);
    must_get(0, NO_CEILING);
}

static void release_against_own(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "release, own",
                               .buffers = true,
                               .memory = 128,
                               .more = MORE,
                               .prepare = prepare_owned,
                               .cpu = {drain, get_single}});
}

static void prepare_unowned(void)
{
    prepare_owned();
    drain_all();
}

static void two_own_one_block(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "own, own",
                               .memory = 128,
                               .more = MORE,
                               .prepare = prepare_unowned,
                               .cpu = {get_single, get_single}});
}

/* One at hand, then the other word of the block. */
static void get_two(unsigned id)
{
    must_get(0, NO_CEILING);
    world.got[id] = must_get(0, NO_CEILING);
}

/* CPU 1 takes a frame of the owned block, although the owner wants them all. */
static void check_stolen(void)
{
    explore_assert(world.got[1].number < CEILING);
    see(world.drains != 0);
}

static void steal(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "steal",
                               .buffers = true,
                               .memory = 128,
                               .more = MORE,
                               .prepare = prepare_owned,
                               .cpu = {get_two, get_single_shared},
                               .check = check_stolen,
                               .outcomes = 2});
}

static void give_pair(unsigned id)
{
    (void)id;
    give_at(2, 1);
}

/* Of its one word a frame is left, at the hand of CPU 0. */
static void prepare_owned_word(void)
{
    prepare_word();
    must_get(0, NO_CEILING);
}

static void free_into_an_owned_block(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "release, free",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_owned_word,
                               .cpu = {drain, give_pair}});
}

/* --- merging -----------------------------------------------------------------------------------*/

static void give_word_1(unsigned id)
{
    (void)id;
    give_at(64, 6);
}

static void prepare_merge(void)
{
    hold(0, 6);
}

static void prepare_two_merges(void)
{
    hold(0, 6);
    hold(448, 6);
}

static void two_free_the_last_of_a_block(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, merge",
                               .buffers = true,
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_two_merges,
                               .cpu = {give_word_0, give_word_7},
                               .check = block_is_whole});
}

static void merge_against_allocate_and_free(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, allocate and free",
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_merge,
                               .cpu = {give_word_0, get_and_give_word},
                               .check = block_is_whole,
                               .preemptions = 2});
}

/* CPU 1 owns the block for runs. */
static void prepare_owned_merge(void)
{
    hold(0, 6);
    world.cpu[0] = 1;
    give(must_get(1, NO_CEILING), 1);
    world.cpu[0] = 0;
}

static void get_and_give_own_word(unsigned id)
{
    (void)id;
    give(must_get(6, NO_CEILING), 6);
}

static void merge_against_own(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, own",
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_merge,
                               .cpu = {give_word_0, get_single},
                               .preemptions = 2});
}

static void merge_against_the_owner(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, take and give",
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_owned_merge,
                               .cpu = {give_word_0, get_and_give_own_word},
                               .buffers = true});
}

static void prepare_merge_of_word_7(void)
{
    hold(448, 6);
}

/* Who wants words 6 and 7 may get one of them, and gives it back when the other is not there. */
static void merge_against_allocate_of_words(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, allocate words",
                               .buffers = true,
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_merge_of_word_7,
                               .cpu = {give_word_7, get_two_words}});
}

/* The block below has a free half and is listed, too. */
static void prepare_merge_of_words_3_and_7(void)
{
    hold(BLOCK + 192, 6);
    hold(BLOCK + 448, 6);
    hold(0, 0);
}

static void give_words_7_and_3(unsigned id)
{
    (void)id;
    give_at(BLOCK + 448, 6);
    give_at(BLOCK + 192, 6);
}

static void get_half(unsigned id)
{
    world.got[id] = must_get(8, CEILING);
}

/* If it has tried both halves in vain, the block is whole. */
static void check_half(void)
{
    bool below = world.got[1].number < BASE + BLOCK;
    see(below);
    if (below)
        must_get(9, CEILING);
}

static void merge_against_allocate_in_vain(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, allocate words in vain",
                               .memory = 2 * BLOCK,
                               .more = MORE,
                               .prepare = prepare_merge_of_words_3_and_7,
                               .cpu = {give_words_7_and_3, get_half},
                               .check = check_half,
                               .buffers = true,
                               .outcomes = 2});
}

/* CPU 0 owns the block, too. */
static void prepare_own_merge(void)
{
    hold(0, 6);
    give(must_get(1, NO_CEILING), 1);
}

static void give_word_0_and_drain(unsigned id)
{
    give_word_0(id);
    drain(id);
}

static void merge_by_the_owner(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "give and release, allocate and free",
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_own_merge,
                               .cpu = {give_word_0_and_drain, get_and_give_word},
                               .check = block_is_whole,
                               .preemptions = 2});
}

/* --- splitting ---------------------------------------------------------------------------------*/

static void split_against_allocate(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "split, block",
                               .memory = BLOCK,
                               .more = MORE,
                               .cpu = {try_single_shared, try_block},
                               .check = one_or_the_other,
                               .outcomes = 2});
}

static void split_against_split(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "split, split",
                               .buffers = true,
                               .memory = BLOCK,
                               .cpu = {get_single, get_single_shared}});
}

static void split_against_merge(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "split, merge",
                               .buffers = true,
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_merge,
                               .cpu = {give_word_0, try_block},
                               .outcomes = 0});
    explore(&(struct scenario){.name = "split and merge, split and merge",
                               .memory = BLOCK,
                               .more = MORE,
                               .cpu = {get_and_give_word, get_and_give_word},
                               .check = block_is_whole,
                               .preemptions = 2});
}

/* The last frames of the block, and then one of it again. */
static void give_word_0_and_get_single(unsigned id)
{
    give_word_0(id);
    get_single(id);
}

static void merge_and_split_against_allocate(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge and split, allocate",
                               .memory = BLOCK,
                               .prepare = prepare_merge,
                               .cpu = {give_word_0_and_get_single, get_word},
                               .preemptions = 2});
}

/* --- listing -----------------------------------------------------------------------------------*/

static void prepare_words(void)
{
    for (uint64_t word = 0; word < BLOCK; word += 64)
        hold(word, 6);
}

static void prepare_words_but_one(void)
{
    prepare_words();
    give_at(0, 6);
}

static void give_word_2(unsigned id)
{
    (void)id;
    give_at(128, 6);
}

/* Without other CPUs' help. */
static void listed_blocks_are_found(void)
{
    unsigned before = world.drains;
    for (uint64_t left = frame_free_count(frames) - MORE; left > 0; left -= 64)
        must_get(6, CEILING);
    explore_assert(world.drains == before);
}

static void class_listing(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "up, up a class",
                               .buffers = true,
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_words,
                               .cpu = {give_word_1, give_word_2},
                               .check = listed_blocks_are_found});
    explore(&(struct scenario){.name = "up, down a class",
                               .buffers = true,
                               .memory = BLOCK,
                               .more = MORE,
                               .prepare = prepare_words_but_one,
                               .cpu = {give_word_1, get_word},
                               .check = listed_blocks_are_found});
}

/* One word of the lower block is free: it alone is listed. */
static void prepare_two_blocks_of_words(void)
{
    for (uint64_t word = 64; word < 2 * BLOCK; word += 64)
        hold(word, 6);
}

static void give_word_of_block_1(unsigned id)
{
    (void)id;
    give_at(BLOCK, 6);
}

/* Whether or not that word is there to take, another is, without other CPUs' help. */
static void get_word_of_block_1_and_another(unsigned id)
{
    get_at(BLOCK, 6);
    unsigned before = world.drains;
    get_word(id);
    explore_assert(world.drains == before);
}

static void a_list_counts_before_it_has(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "list, end the listing and search",
                               .memory = 2 * BLOCK,
                               .more = MORE,
                               .prepare = prepare_two_blocks_of_words,
                               .cpu = {give_word_of_block_1, get_word_of_block_1_and_another},
                               .preemptions = 2});
}

/* All is in use, but the lists do not know yet. */
static void prepare_stale_list(void)
{
    prepare_word();
    hold(4, 1);
}

static void free_against_search(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "list, search",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_stale_list,
                               .cpu = {give_pair, get_single_shared}});
}

/* --- blocks ------------------------------------------------------------------------------------*/

/* Of four blocks one is in use. Both CPUs have had blocks, and so know where there are some. */
static void prepare_blocks(void)
{
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        world.cpu[0] = cpu;
        give(must_get(9, NO_CEILING), 9);
    }
    world.cpu[0] = 0;
    hold(0, 9);
}

static void get_any_block(unsigned id)
{
    world.got[id] = must_get(9, NO_CEILING);
}

static void get_and_give_block(unsigned id)
{
    get_any_block(id);
    give(world.got[id], 9);
}

static void give_block(unsigned id)
{
    (void)id;
    give_at(0, 9);
}

static void allocate_against_free_of_blocks(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "block, block",
                               .buffers = true,
                               .memory = 4 * BLOCK,
                               .unit = 9,
                               .prepare = prepare_blocks,
                               .cpu = {get_any_block, get_and_give_block}});
    explore(&(struct scenario){.name = "allocate a block, free a block",
                               .buffers = true,
                               .memory = 4 * BLOCK,
                               .unit = 9,
                               .prepare = prepare_blocks,
                               .cpu = {get_any_block, give_block}});
}

/* --- draining ----------------------------------------------------------------------------------*/

/* All that is free is at CPU 0's hand. */
static void prepare_drain(void)
{
    prepare_singles();
    must_get(0, NO_CEILING);
}

static void give_with_interrupts(unsigned id)
{
    (void)id;
    give_at(3, 0);
    serve();
    give_at(16, 4);
    serve();
}

static void check_drain(void)
{
    see(world.drains != 0);
}

static void drained_before_a_request_fails(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "drain",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_drain,
                               .cpu = {give_with_interrupts, get_single_shared},
                               .check = check_drain,
                               .outcomes = 2});
}

/* --- GiBs and hints ----------------------------------------------------------------------------*/

static void prepare_two_gib_merges(void)
{
    hold(0, 9);
    hold(SPAN - BLOCK, 9);
}

static void give_last_block(unsigned id)
{
    (void)id;
    give_at(SPAN - BLOCK, 9);
}

static void span_is_whole(void)
{
    must_get(18, CEILING);
}

static void two_free_the_last_of_a_gib(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge, merge a GiB",
                               .buffers = true,
                               .memory = SPAN,
                               .more = 8 * MORE,
                               .unit = 9,
                               .prepare = prepare_two_gib_merges,
                               .cpu = {give_block, give_last_block},
                               .check = span_is_whole});
}

static void two_split_a_gib(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "split, split a GiB",
                               .memory = SPAN,
                               .more = 8 * MORE,
                               .unit = 9,
                               .cpu = {get_block, get_block}});
}

static void prepare_block(void)
{
    hold(0, 9);
}

static void merge_a_gib_against_split(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "merge a GiB, split",
                               .buffers = true,
                               .memory = SPAN,
                               .more = 8 * MORE,
                               .unit = 9,
                               .prepare = prepare_block,
                               .cpu = {give_block, get_block}});
}

static void prepare_two_blocks(void)
{
    hold(0, 10);
}

static void give_two_blocks(unsigned id)
{
    (void)id;
    give_at(0, 10);
}

static void stale_hint_against_free(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "hint, free",
                               .buffers = true,
                               .memory = 2 * BLOCK,
                               .more = MORE,
                               .unit = 9,
                               .prepare = prepare_two_blocks,
                               .cpu = {give_two_blocks, get_block}});
}

/* A search that begins in the GiB itself. */
static void get_block_below(unsigned id)
{
    world.got[id] = must_get(9, BASE + SPAN);
}

static void open_against_allocate(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "open a GiB, allocate",
                               .memory = SPAN,
                               .more = 8 * MORE,
                               .unit = 9,
                               .cpu = {get_block, get_block_below}});
}

/* --- places, parts, many at once, ranges, the reserve ------------------------------------------*/

static void try_block_at(unsigned id)
{
    world.got[id] = get_at(0, 9) ? (frame_t){BASE} : FRAME_NONE;
}

static void try_single_at(unsigned id)
{
    world.got[id] = get_at(5, 0) ? (frame_t){BASE + 5} : FRAME_NONE;
}

static void two_take_places_in_one_block(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "at, at",
                               .memory = BLOCK,
                               .more = MORE,
                               .cpu = {try_single_at, try_block_at},
                               .check = one_or_the_other,
                               .outcomes = 2});
}

static void add_late(unsigned id)
{
    (void)id;
    uint64_t end = BASE + scenario->memory;
    frame_add(frames, (frame_t){end - scenario->late}, (frame_t){end});
    world.added = scenario->memory;
}

static void range_added_against_allocate(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "add frames, allocate",
                               .memory = 128,
                               .late = 64,
                               .more = MORE,
                               .prepare = prepare_word,
                               .cpu = {add_late, get_pair},
                               .preemptions = 2});
    explore(&(struct scenario){.name = "add a block, allocate",
                               .memory = 64 + BLOCK,
                               .late = BLOCK,
                               .more = MORE,
                               .prepare = prepare_word,
                               .cpu = {add_late, get_pair},
                               .preemptions = 1});
}

static void gib_added_against_allocate(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "add a GiB, allocate",
                               .buffers = true,
                               .memory = 2 * SPAN,
                               .late = SPAN,
                               .more = 8 * MORE,
                               .unit = 9,
                               .cpu = {add_late, get_block}});
}

static void get_many(unsigned id)
{
    frame_t got[3];
    struct frame_request request = {.below = {CEILING}};
    world.got[id] = FRAME_NONE;
    size_t count = frame_alloc_bulk(frames, request, got, 3);
    explore_assert(count == 3);
    for (size_t i = 0; i < count; i++)
        mark(got[i], 0, 0, 1);
    for (size_t i = 0; i < count; i++)
        mark(got[i], 0, 1, 0);
    frame_free_bulk(frames, got, count, 0);
}

static void prepare_many(void)
{
    prepare_word();
    give_at(6, 1);
}

static void give_part(unsigned id)
{
    (void)id;
    mark((frame_t){BASE + 8}, 3, 1, 0);
    mark((frame_t){BASE + 8}, 2, 0, 1);
    frame_free_part(frames, (frame_t){BASE + 8}, 3, (frame_t){BASE + 12}, 2);
}

static void many_at_once_against_part(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "bulk, free part",
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_many,
                               .cpu = {get_many, give_part},
                               .preemptions = 2});
}

static void get_run(unsigned id)
{
    (void)id;
    struct frame_run run = {.count = 3, .below = {BASE + scenario->memory}};
    frame_t start = frame_alloc_run(frames, run);
    explore_assert(!frame_is_none(start));
    for (uint64_t i = 0; i < run.count; i++)
        mark((frame_t){start.number + i}, 0, 0, 1);
}

static void a_run_against_free(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "run, free",
                               .buffers = true,
                               .memory = 64,
                               .more = MORE,
                               .prepare = prepare_word,
                               .cpu = {get_run, give_pairs},
                               .check = check_drain,
                               .outcomes = 2});
}

/* Four frames are free, of which two are for those who say FRAME_ATOMIC. */
static void prepare_reserve(void)
{
    prepare_word();
    give_at(6, 1);
    drain_all();
    frame_set_reserve(frames, 2);
}

static void try_pair(unsigned id)
{
    world.got[id] = get(1, CEILING);
}

static void reserve_is_kept(void)
{
    explore_assert(frame_free_count(frames) == 2);
    struct frame_request request = {.order = 1, .flags = FRAME_ATOMIC};
    frame_t last = frame_alloc(frames, request);
    explore_assert(!frame_is_none(last));
    mark(last, 1, 0, 1);
    frame_set_reserve(frames, 0);
    one_or_the_other();
}

static void two_want_what_is_above_the_reserve(void **state)
{
    (void)state;
    explore(&(struct scenario){.name = "reserve",
                               .buffers = true,
                               .memory = 64,
                               .prepare = prepare_reserve,
                               .cpu = {try_pair, try_pair},
                               .check = reserve_is_kept,
                               .outcomes = 2});
}

/* --- interrupts --------------------------------------------------------------------------------*/

/* In each of two words two frames are free, and one is to be given by each. */
static void prepare_interrupts(void)
{
    for (uint64_t word = 0; word < 128; word += 64)
        for (unsigned order = 1; order < 6; order++)
            hold(word + ((uint64_t)1 << order), order);
    give_at(2, 1);
    give_at(66, 1);
    hold(2, 0);
    hold(66, 0);
    drain_all();
}

/* Out of what is at hand, past it, back to it and away. */
static void get_and_give_singles(unsigned id)
{
    frame_t first = must_get(0, NO_CEILING), second = must_get(0, NO_CEILING);
    give_at(id == 0 ? 2 : 66, 0);
    give(first, 0);
    frame_t third = must_get(0, NO_CEILING), fourth = must_get(0, NO_CEILING);
    give(second, 0);
    frame_drain(frames);
    give(third, 0);
    give(fourth, 0);
}

static void get_and_give_orders(unsigned id)
{
    frame_t pair = must_get(1, NO_CEILING), word = must_get(6, NO_CEILING);
    give(must_get(0, FAR + MORE), 0);
    give(pair, 1);
    give(word, 6);
    frame_drain(frames);
    world.got[id] = must_get(0, NO_CEILING);
}

static void get_and_give_blocks(unsigned id)
{
    (void)id;
    frame_t first = must_get(9, NO_CEILING), second = must_get(9, NO_CEILING);
    give(first, 9);
    give(must_get(9, NO_CEILING), 9);
    give(second, 9);
}

static void prepare_first_block(void)
{
    hold(0, 9);
    drain_all();
}

static void give_first_block(unsigned id)
{
    (void)id;
    give_at(0, 9);
}

/* All that is free, if anything is. */
static void drain_and_get_block(unsigned id)
{
    frame_drain(frames);
    world.got[id] = get(9, NO_CEILING);
}

static void a_handler_allocates_and_frees(void **state)
{
    (void)state;
    struct scenario with = {.memory = 128,
                            .more = MORE,
                            .prepare = prepare_interrupts,
                            .one_cpu = true,
                            .preemptions = 1};
    with.name = "singles interrupt singles";
    with.cpu[0] = with.cpu[1] = get_and_give_singles;
    explore(&with);
    with.name = "singles and orders interrupt each other";
    with.cpu[1] = get_and_give_orders;
    explore(&with);
    with.name = "orders interrupt orders";
    with.cpu[0] = get_and_give_orders;
    explore(&with);
    explore(&(struct scenario){.name = "blocks interrupt blocks",
                               .memory = 6 * BLOCK,
                               .unit = 9,
                               .prepare = prepare_blocks,
                               .cpu = {get_and_give_blocks, get_and_give_blocks},
                               .one_cpu = true,
                               .preemptions = 1});
    explore(&(struct scenario){.name = "too much credit is gone before it is shared",
                               .memory = BLOCK,
                               .unit = 9,
                               .prepare = prepare_first_block,
                               .cpu = {give_first_block, drain_and_get_block},
                               .one_cpu = true,
                               .preemptions = 1});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocate_against_free_in_one_word),
        cmocka_unit_test(two_allocate_in_one_word),
        cmocka_unit_test(two_allocate_the_last_frames),
        cmocka_unit_test(flush_against_take),
        cmocka_unit_test(three_in_one_word),
        cmocka_unit_test(release_against_own),
        cmocka_unit_test(two_own_one_block),
        cmocka_unit_test(steal),
        cmocka_unit_test(free_into_an_owned_block),
        cmocka_unit_test(two_free_the_last_of_a_block),
        cmocka_unit_test(merge_against_allocate_and_free),
        cmocka_unit_test(merge_against_own),
        cmocka_unit_test(merge_against_the_owner),
        cmocka_unit_test(merge_against_allocate_in_vain),
        cmocka_unit_test(merge_by_the_owner),
        cmocka_unit_test(merge_against_allocate_of_words),
        cmocka_unit_test(split_against_allocate),
        cmocka_unit_test(split_against_split),
        cmocka_unit_test(split_against_merge),
        cmocka_unit_test(merge_and_split_against_allocate),
        cmocka_unit_test(class_listing),
        cmocka_unit_test(a_list_counts_before_it_has),
        cmocka_unit_test(free_against_search),
        cmocka_unit_test(allocate_against_free_of_blocks),
        cmocka_unit_test(drained_before_a_request_fails),
        cmocka_unit_test(two_free_the_last_of_a_gib),
        cmocka_unit_test(two_split_a_gib),
        cmocka_unit_test(merge_a_gib_against_split),
        cmocka_unit_test(stale_hint_against_free),
        cmocka_unit_test(open_against_allocate),
        cmocka_unit_test(two_take_places_in_one_block),
        cmocka_unit_test(range_added_against_allocate),
        cmocka_unit_test(gib_added_against_allocate),
        cmocka_unit_test(many_at_once_against_part),
        cmocka_unit_test(a_run_against_free),
        cmocka_unit_test(two_want_what_is_above_the_reserve),
        cmocka_unit_test(a_handler_allocates_and_frees),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("frame_explore", tests, NULL, NULL);
}

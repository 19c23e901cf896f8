/* SPDX-License-Identifier: MIT */
/*
 * Ten million random operations on heaps, against what the caller knows of its blocks; LONG=1: a
 * thousand million. Every block is full of its tag, so that two owners of a byte, and memory taken
 * away or not cleared, show when it is freed. Four heaps free each other's blocks: in one thread,
 * where a failure can be had again by its seed, in four, and over a port that fails at every call,
 * singly, from there on, and in pairs. In all builds of the heap.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "tests/host/random.h"

enum {
    HEAPS = 4,
    SLOTS = 4096,
    OPERATIONS = 10000000,      /* of one thread, in release builds; other builds: a tenth */
    THREAD_OPERATIONS = 500000, /* of each thread, likewise */
    CHECK_EVERY = 250000,       /* operations */
    FAILING_OPERATIONS = 80,   /* in a world whose port fails */
    FAILING_SLOTS = 24,
};

static struct heap_world world;
static struct heap heaps[HEAPS];

struct slot {
    unsigned char *block; /* or NULL */
    size_t size, align;
    uint64_t tag;
    bool busy; /* atomic; some thread is at it */
};

static struct slot slots[SLOTS];

/* One thread of operations. */
struct player {
    struct random dice;
    struct heap *heap[HEAPS]; /* those it may use */
    size_t heaps, slots;
    unsigned log2_most; /* of sizes */
    uint64_t now;       /* milliseconds */
};

/* --- contents --- */

static uint64_t word_of(uint64_t tag, size_t at)
{
    return (tag + at) * 0x9e3779b97f4a7c15;
}

/* Which words of a block have contents: of a large one, not all. The same for blocks of any size,
 * but for the last. */
static size_t word_after(size_t at)
{
    return at < 32 ? at + 1 : at + 61;
}

static uint64_t read_word(const unsigned char *block, size_t at)
{
    uint64_t word;
    memcpy(&word, block + 8 * at, 8);
    return word;
}

static void write_word(unsigned char *block, size_t at, uint64_t word)
{
    memcpy(block + 8 * at, &word, 8);
}

static void fill(const struct slot *slot)
{
    size_t words = slot->size / 8;
    for (size_t at = 0; at < words; at = word_after(at))
        write_word(slot->block, at, word_of(slot->tag, at));
    if (words > 0)
        write_word(slot->block, words - 1, word_of(slot->tag, words - 1));
    memset(slot->block + 8 * words, (int)(slot->tag & 0xff), slot->size % 8);
}

/* The first `size` bytes, no more than the slot's, are what fill() wrote. */
static bool is_full(const struct slot *slot, const unsigned char *block, size_t size)
{
    size_t words = size / 8;
    for (size_t at = 0; at < words; at = word_after(at))
        if (read_word(block, at) != word_of(slot->tag, at))
            return false;
    if (size < slot->size)
        return true;
    for (size_t i = 8 * words; i < size; i++)
        if (block[i] != (slot->tag & 0xff))
            return false;
    return words == 0 || read_word(block, words - 1) == word_of(slot->tag, words - 1);
}

static bool is_zero(const unsigned char *block, size_t size)
{
    return size == 0 || (block[0] == 0 && memcmp(block, block + 1, size - 1) == 0);
}

/* --- operations --- */

static struct heap *any_heap(struct player *player)
{
    return player->heap[random_below(&player->dice, player->heaps)];
}

/* From 0 to twice the power of two; most are small. */
static size_t any_size(struct player *player)
{
    struct random *dice = &player->dice;
    uint64_t most = random_once_in(dice, 1000) ? 22 : random_once_in(dice, 30) ? 17 : 12;
    uint64_t log2 = random_below(dice, bits_max(most, player->log2_most));
    return ((size_t)1 << log2) - 1 + random_below(dice, (uint64_t)1 << log2);
}

static size_t any_align(struct player *player)
{
    struct random *dice = &player->dice;
    return (size_t)1 << random_below(dice, random_once_in(dice, 50) ? 18 : 9);
}

/* NULL is right iff the port failed just now. */
static bool is_given(struct player *player, const void *block, unsigned failures)
{
    random_assert(&player->dice, block != NULL || host_heap_failures != failures);
    return block != NULL;
}

static void slot_alloc(struct player *player, struct slot *slot)
{
    struct random *dice = &player->dice;
    unsigned failures = host_heap_failures;
    uint64_t kind = random_below(dice, 5);
    *slot = (struct slot){.size = any_size(player), .align = 16, .busy = slot->busy};
    if (kind == 0) {
        slot->align = any_align(player);
        slot->block = heap_alloc_aligned(any_heap(player), slot->size, slot->align);
    } else if (kind == 1) {
        slot->block = heap_alloc_zeroed(any_heap(player), slot->size);
    } else {
        slot->block = heap_alloc(any_heap(player), slot->size);
    }
    if (!is_given(player, slot->block, failures))
        return;
    random_assert(dice, kind != 1 || is_zero(slot->block, heap_size(&world, slot->block)));
    random_assert(dice, bits_is_aligned((uintptr_t)slot->block, slot->align));
    slot->tag = random_next(dice);
    fill(slot);
}

static void slot_resize(struct player *player, struct slot *slot)
{
    struct random *dice = &player->dice;
    unsigned failures = host_heap_failures;
    size_t size = any_size(player), kept = bits_min(size, slot->size);
    unsigned char *block = heap_realloc(any_heap(player), slot->block, size);
    if (!is_given(player, block, failures)) {
        random_assert(dice, is_full(slot, slot->block, slot->size));
        return;
    }
    random_assert(dice, is_full(slot, block, kept));
    random_assert(dice, bits_is_aligned((uintptr_t)block, slot->align));
    slot->block = block;
    slot->size = size;
    fill(slot);
}

static void slot_free(struct player *player, struct slot *slot)
{
    random_assert(&player->dice, heap_size(&world, slot->block) >= slot->size);
    random_assert(&player->dice, is_full(slot, slot->block, slot->size));
    if (random_once_in(&player->dice, 3))
        heap_free_sized(any_heap(player), slot->block, slot->size);
    else
        heap_free(any_heap(player), slot->block);
    slot->block = NULL;
}

static void play_slot(struct player *player)
{
    struct slot *slot = &slots[random_below(&player->dice, player->slots)];
    if (__atomic_exchange_n(&slot->busy, true, __ATOMIC_ACQUIRE))
        return;
    if (slot->block == NULL)
        slot_alloc(player, slot);
    else if (random_once_in(&player->dice, 5))
        slot_resize(player, slot);
    else
        slot_free(player, slot);
    __atomic_store_n(&slot->busy, false, __ATOMIC_RELEASE);
}

/* The owner leaves, and some heap, this or another, is adopted in its place. */
static void change_heap(struct player *player)
{
    size_t at = random_below(&player->dice, player->heaps);
    heap_park(player->heap[at]);
    while ((player->heap[at] = heap_adopt(&world)) == NULL)
        ; /* another thread's tick looks after it just now */
}

/* What an operation does that is not about a slot. */
static void play_rare(struct player *player)
{
    struct heap *heap = any_heap(player);
    switch (random_below(&player->dice, 16)) {
    case 0:
        heap_trim(heap);
        break;
    case 1:
        change_heap(player);
        break;
    case 2 ... 5:
        heap_collect(heap);
        break;
    default:
        player->now += random_below(&player->dice, 100);
        heap_tick(heap, player->now);
        break;
    }
}

static void play(struct player *player, uint64_t operations)
{
    for (uint64_t i = 0; i < operations; i++, player->dice.step++)
        if (random_once_in(&player->dice, 1000))
            play_rare(player);
        else
            play_slot(player);
}

/* --- worlds --- */

static struct player make_player(size_t number_of_heaps, unsigned first)
{
    struct player player = {.dice = random_start(), .heaps = number_of_heaps, .slots = SLOTS};
    player.now = 5000;
    player.dice.state += first;
    for (size_t i = 0; i < number_of_heaps; i++)
        player.heap[i] = &heaps[first + i];
    return player;
}

static int start_over(void **state)
{
    (void)state;
    memset(slots, 0, sizeof slots);
    host_heap_start(&world, 0, 4 * GIB, 0);
    for (size_t i = 0; i < HEAPS; i++)
        heap_init(&heaps[i], &world);
    return 0;
}

static void print_sentence(const char *sentence)
{
    print_error("heap_check: %s\n", sentence);
}

/* What the world counts is what the slots hold, once no heap holds anything back. */
static void check_world(const struct player *player)
{
    struct heap_stats stats;
    uint64_t live = 0, counted = 0;
    for (size_t i = 0; i < 2 * HEAPS; i++)
        heap_trim(&heaps[i % HEAPS]);
    random_assert(&player->dice, heap_check(&world, print_sentence) == 0);
    for (size_t i = 0; i < SLOTS; i++)
        live += slots[i].block != NULL;
    heap_stats(&world, &stats);
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        counted += stats.classes[i].used;
    random_assert(&player->dice, counted + stats.runs + stats.huge == live);
    random_assert(&player->dice, stats.dirty_bytes == 0);
}

static void free_some(struct player *player, size_t every)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].block != NULL && i % every == 0)
            slot_free(player, &slots[i]);
}

static void free_all(struct player *player)
{
    struct heap_stats stats;
    free_some(player, 1);
    check_world(player);
    heap_stats(&world, &stats);
    random_assert(&player->dice, stats.free_bytes == stats.arena_bytes);
    random_assert(&player->dice, stats.taken == world.record_bytes);
    random_assert(&player->dice, stats.taken == host_heap_mapped);
}

static uint64_t share(uint64_t operations)
{
    operations = random_steps(random_steps(operations));
    return HEAP_CHECKED || host_heap_commits ? operations / 10 : operations;
}

/* --- one thread, many, and a port that fails --- */

static void one_thread_frees_with_any_of_four_heaps(void **state)
{
    (void)state;
    struct player player = make_player(HEAPS, 0);
    uint64_t operations = share(OPERATIONS);
    while (player.dice.step < operations) {
        play(&player, CHECK_EVERY);
        check_world(&player);
        free_some(&player, 1 + random_below(&player.dice, 4));
    }
    free_all(&player);
}

static void *run_player(void *player)
{
    play(player, share(THREAD_OPERATIONS));
    return NULL;
}

static void four_threads_free_each_others_blocks(void **state)
{
    (void)state;
    struct player players[HEAPS];
    pthread_t threads[HEAPS];
    for (unsigned i = 0; i < HEAPS; i++) {
        players[i] = make_player(1, i);
        assert_int_equal(pthread_create(&threads[i], NULL, run_player, &players[i]), 0);
    }
    for (unsigned i = 0; i < HEAPS; i++)
        pthread_join(threads[i], NULL);
    struct player player = make_player(HEAPS, 0);
    check_world(&player);
    free_all(&player);
}

/* Plays a short game, of many sizes. Returns how many calls the port got. */
static unsigned play_failing(uint64_t salt, unsigned call, unsigned other, bool onwards)
{
    struct player player = make_player(HEAPS, 0);
    void *state = NULL;
    start_over(&state);
    player.dice.state += salt;
    player.slots = FAILING_SLOTS;
    player.log2_most = 17;
    host_heap_huge_min = MIB / 8;
    host_heap_fail_both(call, other);
    if (onwards)
        host_heap_fail(call, true);
    play(&player, FAILING_OPERATIONS);
    unsigned calls = host_heap_calls;
    host_heap_fail_never();
    host_heap_huge_min = MIB;
    random_assert(&player.dice, heap_check(&world, print_sentence) == 0);
    free_all(&player);
    return calls;
}

static void every_call_to_the_port_fails(void **state)
{
    (void)state;
    const unsigned none = HOST_HEAP_NO_CALL;
    unsigned calls = play_failing(0, none, none, false);
    assert_true(calls > (host_heap_commits ? 30 : 3));
    for (unsigned call = 0; call < calls; call++) {
        play_failing(0, call, none, false);
        play_failing(0, call, none, true);
        for (unsigned other = call + 1; other < calls; other++)
            play_failing(0, call, other, false);
    }
}

static void some_call_to_the_port_fails_in_many_games(void **state)
{
    (void)state;
    for (uint64_t salt = 1; salt < random_steps(100); salt++)
        play_failing(salt, (unsigned)salt * 7 % 60, HOST_HEAP_NO_CALL, salt % 2 == 0);
}

#define TEST(function) cmocka_unit_test_setup(function, start_over)

static int run(const char *build, bool debug, bool harden)
{
    const struct CMUnitTest tests[] = {
        TEST(one_thread_frees_with_any_of_four_heaps),
        TEST(four_threads_free_each_others_blocks),
        TEST(every_call_to_the_port_fails),
        TEST(some_call_to_the_port_fails_in_many_games),
    };
    char title[64];
    int failed = 0;
    host_heap_debug = debug;
    host_heap_harden = harden;
    for (int commits = 0; commits < 2; commits++) {
        host_heap_commits = commits != 0;
        snprintf(title, sizeof title, "heap model, %s%s", build, commits ? ", commits" : "");
        failed += _cmocka_run_group_tests(title, tests, sizeof tests / sizeof *tests, NULL, NULL);
    }
    return failed;
}

int main(void)
{
    return run("release", false, false) + run("debug", true, false) + run("hardened", false, true);
}

/* SPDX-License-Identifier: MIT */
/*
 * Flips bits of the heap's metadata, one a time, in a copy of the program: the descriptors of
 * slices, a heap and the world. That is seen by heap_check(), or stops the program (a panic, a
 * fault), or does no harm: two blocks never share a byte. In checked builds not even if nobody
 * calls heap_check().
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "tests/host/random.h"

enum {
    FLIPS = 200, /* of each part of the metadata, in each build */
    LIVE = 120,  /* blocks while a bit flips */
    MORE = 200,  /* that are allocated thereafter */
    SECONDS = 5, /* for one copy: others hang */
};

enum outcome { HARMLESS, SEEN, SHARED, STOPPED, HUNG, OUTCOMES };

static struct heap_world world;
static struct {
    struct heap heap;
    char gap[1000]; /* so that no flip of one bit makes one of the other */
    struct heap other;
} both;
static struct heap *const heap = &both.heap, *const other = &both.other;

static struct block {
    uintptr_t start, end; /* end == 0: none */
} blocks[LIVE + MORE];

static bool is_shared(const struct block *block)
{
    for (size_t i = 0; i < LIVE + MORE; i++)
        if (&blocks[i] != block && blocks[i].end != 0 && blocks[i].start < block->end &&
            block->start < blocks[i].end)
            return true;
    return false;
}

static size_t size_of(size_t number)
{
    static const size_t sizes[] = {16, 40, 100, 500, 1500, 6000, 30000, 70000};
    return sizes[number * 7 % 8];
}

/* False if the heap has given out what somebody has. */
static bool get(size_t number)
{
    size_t size = size_of(number);
    void *start = heap_alloc(number % 3 == 0 ? other : heap, size);
    if (start == NULL)
        return true;
    blocks[number] = (struct block){(uintptr_t)start, (uintptr_t)start + size};
    if (is_shared(&blocks[number]))
        return false;
    memset(start, 0x77, size);
    return true;
}

static void give(size_t number)
{
    if (blocks[number].end == 0)
        return;
    blocks[number].end = 0;
    heap_free(number % 5 == 0 ? other : heap, (void *)blocks[number].start);
}

static bool go_on(void)
{
    for (size_t i = LIVE; i < LIVE + MORE / 2; i++)
        if (!get(i))
            return false;
    for (size_t i = 0; i < LIVE; i += 2)
        give(i);
    heap_collect(other);
    heap_collect(heap);
    for (size_t i = LIVE + MORE / 2; i < LIVE + MORE; i++)
        if (!get(i))
            return false;
    return true;
}

static int start_over(void **state)
{
    (void)state;
    host_heap_start(&world, 0, 4 * GIB, 0);
    heap_init(heap, &world);
    heap_init(other, &world);
    memset(blocks, 0, sizeof blocks);
    for (size_t i = 0; i < LIVE; i++)
        assert_true(get(i));
    for (size_t i = 1; i < LIVE; i += 4)
        give(i);
    return 0;
}

static void say_nothing(const char *sentence)
{
    (void)sentence;
}

/* What the copy does. Signals end it, as if there were no test around it. */
static _Noreturn void run_copy(unsigned char *byte, unsigned bit, bool checks)
{
    const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_DFL);
    fclose(stderr);
    alarm(SECONDS);
    *byte ^= (unsigned char)(1u << bit);
    if (checks && heap_check(&world, say_nothing) != 0)
        _exit(SEEN);
    _exit(go_on() ? HARMLESS : SHARED);
}

static enum outcome flip(unsigned char *byte, unsigned bit, bool checks)
{
    int status;
    pid_t copy = fork();
    assert_true(copy >= 0);
    if (copy == 0)
        run_copy(byte, bit, checks);
    waitpid(copy, &status, 0);
    if (WIFEXITED(status))
        return (enum outcome)WEXITSTATUS(status);
    return WTERMSIG(status) == SIGALRM ? HUNG : STOPPED;
}

static void flip_many(const char *name, void *start, size_t bytes, bool checks)
{
    struct random dice = random_start();
    unsigned count[OUTCOMES] = {0};
    for (uint64_t flips = random_steps(FLIPS); dice.step < flips; dice.step++) {
        size_t at = random_below(&dice, bytes);
        unsigned bit = (unsigned)random_below(&dice, 8);
        enum outcome outcome = flip((unsigned char *)start + at, bit, checks);
        if (outcome == SHARED || outcome == HUNG)
            print_error("%s: bit %u of byte %zu: %s\n", name, bit, at,
                        outcome == SHARED ? "two blocks share a byte" : "it hangs");
        count[outcome]++;
    }
    print_message("# %s: %u seen, %u stopped, %u harmless, %u shared, %u hung\n", name, count[SEEN],
                  count[STOPPED], count[HARMLESS], count[SHARED], count[HUNG]);
    assert_int_equal(count[SHARED] + count[HUNG], 0);
}

static void flip_all_parts(bool checks)
{
    size_t slices = (world.end - world.arena) / HEAP_SLICE_SIZE;
    flip_many("descriptors", world.table, slices * sizeof(struct heap_slice), checks);
    flip_many("a heap", heap, sizeof *heap, checks);
    flip_many("the world", &world, sizeof world, checks);
}

static void flips_are_seen_by_the_checker_or_harmless(void **state)
{
    (void)state;
    flip_all_parts(true);
}

static void flips_are_seen_by_checked_builds_or_harmless(void **state)
{
    (void)state;
    if (HEAP_CHECKED)
        flip_all_parts(false);
}

static int run(const char *title, bool debug, bool harden)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(flips_are_seen_by_the_checker_or_harmless, start_over),
        cmocka_unit_test_setup(flips_are_seen_by_checked_builds_or_harmless, start_over),
    };
    host_heap_debug = debug;
    host_heap_harden = harden;
    return _cmocka_run_group_tests(title, tests, sizeof tests / sizeof *tests, NULL, NULL);
}

int main(void)
{
    return run("flipped bits, release", false, false) + run("flipped bits, debug", true, false) +
           run("flipped bits, hardened", false, true);
}

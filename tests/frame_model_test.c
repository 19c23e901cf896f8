/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/alloc/frame.c by random operations against a model that knows nothing but what is in
 * use: a tree of intervals. So memories of any size can be tried, from 48 MiB to 64 TiB, ragged and
 * scattered. One thread plays all the CPUs, and interrupt handlers on them.
 */
#include "lib/alloc/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "lib/alloc/frame_tree.h"
#include "lib/tree.h"
#include "tests/host/expect.h"
#include "tests/host/shrink.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CPUS         8
#define NODES        3
#define LIVE_MAX     (1 << 15)
#define RANGES_MAX   100
#define BULK         100
#define RESERVE      50
#define IS_RUN       255 /* in place of an order */

static struct frames frames;
static void *metadata;
static size_t metadata_size;
static struct frame_range ranges[RANGES_MAX];
static size_t range_count;

/* What was allocated and not freed: [node.key, end). */
struct live {
    struct tree_node node;
    uint64_t end;
    unsigned order;
};

static struct {
    struct live live[LIVE_MAX];
    size_t count;
    struct tree_node *root;
    uint64_t in_use;
    uint64_t failures;
} model;

static void tell(const char *sentence)
{
    print_error("%s\n", sentence);
}

static void drain_all(struct frames *of)
{
    unsigned me = host_frame_cpu;
    for (host_frame_cpu = 0; host_frame_cpu < CPUS; host_frame_cpu++)
        frame_drain(of);
    host_frame_cpu = me;
}

/* The model */

static uint64_t start_of(const struct live *live)
{
    return live->node.key;
}

/* The live one that ends above `frame` and starts lowest, or NULL. */
static struct live *live_at_or_above(uint64_t frame)
{
    struct live *below = (struct live *)tree_at_or_below(model.root, frame);
    if (below != NULL && below->end > frame)
        return below;
    return (struct live *)tree_at_or_above(model.root, frame);
}

static void take(uint64_t start, uint64_t count, unsigned order)
{
    struct live *next = live_at_or_above(start);
    assert_true(next == NULL || start_of(next) >= start + count);
    assert_true(frame_is_managed(&frames, start, count));
    struct live *live = &model.live[model.count++];
    *live = (struct live){{.key = start}, start + count, order};
    tree_insert(&model.root, &live->node);
    model.in_use += count;
}

/* The last one moves into its place. */
static void forget(struct live *live)
{
    struct live *last = &model.live[--model.count];
    model.in_use -= live->end - start_of(live);
    tree_remove(&model.root, &live->node);
    if (last == live)
        return;
    tree_remove(&model.root, &last->node);
    *live = *last;
    tree_insert(&model.root, &live->node);
}

/* Could `count` frames at a multiple of `align` below `limit` be had? */
static bool fits_somewhere(uint64_t count, uint64_t align, uint64_t limit)
{
    for (size_t i = 0; i < range_count; i++) {
        uint64_t at = ranges[i].start.number, end = bits_min(ranges[i].end.number, limit);
        for (size_t j = i; j + 1 < range_count && /* ranges may touch */
                           ranges[j].end.number == ranges[j + 1].start.number;
             j++)
            end = bits_min(ranges[j + 1].end.number, limit);
        for (;;) {
            at = bits_round_up(at, align);
            if (at + count > end)
                break;
            struct live *next = live_at_or_above(at);
            if (next == NULL || start_of(next) >= at + count)
                return true;
            at = next->end;
        }
    }
    return false;
}

/* Something was not to be had: was that so? Looked at now and then, for it takes long. */
static void failed(uint64_t count, uint64_t align, uint64_t below, unsigned flags)
{
    if (model.failures++ % 64 != 0)
        return;
    uint64_t reserve = (flags & FRAME_ATOMIC) != 0 ? 0 : RESERVE;
    if (frame_free_count(&frames) >= count + reserve)
        assert_false(fits_somewhere(count, bits_max(align, 1), below != 0 ? below : FRAME_END));
}

/* Operations: each has the CPU in its last argument, and the flags above it. */

enum { ALLOC, ALLOC_AT, ALLOC_RUN, ALLOC_MANY, FREE, FREE_PART, FREE_TWICE, DRAIN };
static const char *const kinds[] = {"ALLOC", "ALLOC_AT",  "ALLOC_RUN",  "ALLOC_MANY",
                                    "FREE",  "FREE_PART", "FREE_TWICE", "DRAIN"};

#define IN_INTERRUPT 0x100

static uint64_t any_place(struct random *dice)
{
    uint64_t end = ranges[range_count - 1].end.number;
    uint64_t place = end / 64 * random_below(dice, 64); /* not every GiB of a terabyte */
    return random_once_in(dice, 2) ? place + random_below(dice, 2000)
                                   : random_below(dice, bits_min(end, 2 * SPAN_FRAMES));
}

static uint64_t any_order(struct random *dice)
{
    if (random_once_in(dice, 50))
        return random_below(dice, FRAME_ORDERS);
    return random_below(dice, 12) * random_below(dice, 12) * random_below(dice, 2) / 12;
}

static struct shrink_op make(struct random *dice, uint64_t step)
{
    bool growing = step / 30000 % 2 == 0;
    uint64_t how = random_below(dice, CPUS) | (random_once_in(dice, 20) ? IN_INTERRUPT : 0) |
                   random_below(dice, NODES + 1) << 16 |
                   (uint64_t)(random_once_in(dice, 8) ? FRAME_ATOMIC : 0) << 32;
    uint64_t below = random_once_in(dice, 6) ? 1 + any_place(dice) : 0;
    uint64_t which = random_next(dice) % LIVE_MAX;
    uint64_t choice = random_below(dice, 100);
    if (choice == 0)
        return (struct shrink_op){DRAIN, {0, 0, 0, how}};
    if (choice < 4)
        return (struct shrink_op){ALLOC_AT, {any_order(dice), any_place(dice), 0, how}};
    if (choice < 5)
        return (struct shrink_op){
            ALLOC_RUN, {1 + random_below(dice, 3000), 1ULL << random_below(dice, 12), below, how}};
    if (choice < 8)
        return (struct shrink_op){
            growing ? ALLOC_MANY : FREE,
            {growing ? any_order(dice) % 3 : which, random_below(dice, BULK), 0, how}};
    if ((choice < 70) == growing)
        return (struct shrink_op){ALLOC, {any_order(dice), below, 0, how}};
    return (struct shrink_op){choice % 8 == 0    ? FREE_PART
                              : choice % 50 == 1 ? FREE_TWICE
                                                 : FREE,
                              {which, random_next(dice), random_next(dice), how}};
}

static void try_alloc(struct frame_request request)
{
    uint64_t size = (uint64_t)1 << request.order;
    frame_t block = frame_alloc(&frames, request);
    if (frame_is_none(block)) {
        failed(size, size, request.below.number, request.flags);
        return;
    }
    assert_int_equal(block.number % size, 0);
    assert_true(request.below.number == 0 || block.number + size <= request.below.number);
    take(block.number, size, request.order);
}

static void try_alloc_at(unsigned order, uint64_t frame)
{
    uint64_t size = (uint64_t)1 << order, start = frame >> order << order;
    struct live *next = live_at_or_above(start);
    if (!frame_is_managed(&frames, start, size))
        return;
    bool free = next == NULL || start_of(next) >= start + size;
    assert_true(frame_alloc_at(&frames, (frame_t){start}, order) == free);
    if (free)
        take(start, size, order);
}

static void try_alloc_run(struct frame_run run)
{
    frame_t start = frame_alloc_run(&frames, run);
    if (frame_is_none(start)) {
        failed(run.count, run.align, run.below.number, run.flags);
        return;
    }
    assert_int_equal(start.number % run.align, 0);
    assert_true(run.below.number == 0 || start.number + run.count <= run.below.number);
    take(start.number, run.count, IS_RUN);
}

static void try_alloc_many(struct frame_request request, size_t count)
{
    frame_t blocks[BULK];
    uint64_t size = (uint64_t)1 << request.order;
    size_t done = frame_alloc_bulk(&frames, request, blocks, count), first = model.count;
    for (size_t i = 0; i < done; i++)
        take(blocks[i].number, size, request.order);
    if (done < count)
        failed(size, size, 0, request.flags);
    if (done % 2 == 0)
        return;
    frame_free_bulk(&frames, blocks, done, request.order);
    while (model.count > first)
        forget(&model.live[model.count - 1]);
}

static void free_live(struct live *live)
{
    if (live->order == IS_RUN)
        frame_free_run(&frames, (frame_t){start_of(live)}, live->end - start_of(live));
    else
        frame_free(&frames, (frame_t){start_of(live)}, live->order);
    forget(live);
}

/* Frees one part; what is left of the block are blocks of their own. */
static void free_part(struct live *live, unsigned part_order, uint64_t where)
{
    if (live->order == IS_RUN || live->order == 0 || model.count + live->order > LIVE_MAX)
        return;
    uint64_t block = start_of(live), size = (uint64_t)1 << live->order;
    unsigned order = live->order, k = part_order % order;
    uint64_t part = block + (where % size >> k << k);
    frame_free_part(&frames, (frame_t){block}, order, (frame_t){part}, k);
    forget(live);
    while (order-- > k) {
        uint64_t low = part >> (order + 1) << (order + 1), high = low + ((uint64_t)1 << order);
        take(part >= high ? low : high, (uint64_t)1 << order, order);
    }
}

static void do_operation(const struct shrink_op *op, uint8_t flags, uint16_t node)
{
    struct live *live = &model.live[model.count == 0 ? 0 : op->with[0] % model.count];
    struct frame_request request = {{op->with[1]}, (uint8_t)op->with[0], flags, node};
    bool room = model.count + BULK < LIVE_MAX;
    if (op->what == ALLOC && room)
        try_alloc(request);
    else if (op->what == ALLOC_AT && room)
        try_alloc_at((unsigned)op->with[0], op->with[1]);
    else if (op->what == ALLOC_RUN && room)
        try_alloc_run((struct frame_run){op->with[0], op->with[1], {op->with[2]}, flags, node});
    else if (op->what == ALLOC_MANY && room)
        try_alloc_many((struct frame_request){{0}, (uint8_t)op->with[0], flags, node}, op->with[1]);
    else if (op->what == FREE && model.count > 0)
        free_live(live);
    else if (op->what == FREE_PART && model.count > 0)
        free_part(live, (unsigned)(op->with[1] % FRAME_ORDERS), op->with[2]);
    else if (op->what == DRAIN)
        frame_drain(&frames);
}

/* Debug builds see a second free at the call. */
static void free_twice(struct live *live)
{
    uint64_t start = start_of(live);
    unsigned order = live->order;
    if (order == IS_RUN)
        return;
    free_live(live);
    if (host_frame_debug)
        expect_panic(frame_free(&frames, (frame_t){start}, order), "free already");
}

/* An interrupt handler that finds its CPU in the middle of something must do without what it has at
 * hand, and without what others have. */
static void apply(const struct shrink_op *op)
{
    uint64_t how = op->with[3];
    host_frame_cpu = how % CPUS;
    struct frame_cpu *cpu = &frames.cpu[host_frame_cpu];
    if (op->what == FREE_TWICE && model.count > 0) {
        free_twice(&model.live[op->with[0] % model.count]);
    } else if (how & IN_INTERRUPT && (op->what == ALLOC || op->what == FREE)) {
        drain_all(&frames); /* so that what fails must fail */
        cpu->busy = true;
        do_operation(op, (uint8_t)(how >> 32), (uint16_t)(how >> 16 & 3));
        cpu->busy = false;
    } else {
        do_operation(op, (uint8_t)(how >> 32), (uint16_t)(how >> 16 & 3));
    }
    assert_int_equal(frame_free_count(&frames), frames.total - model.in_use);
}

static void check(void)
{
    assert_int_equal(frame_check(&frames, tell), 0);
}

static void finish(void)
{
    while (model.count > 0)
        free_live(&model.live[model.count - 1]);
    drain_all(&frames);
    assert_int_equal(frame_check(&frames, tell), 0);
    assert_int_equal(frames.pool, frames.total);
    frame_set_reserve(&frames, 0);
    for (size_t i = 0; i < range_count && range_count < 10; i++) {
        struct frame_run all = {.count = ranges[i].end.number - ranges[i].start.number,
                                .below = ranges[i].end};
        assert_int_equal(frame_alloc_run(&frames, all).number, ranges[i].start.number);
    }
}

/* Memories */

static void begin(void)
{
    static struct frame_range thirds[NODES];
    static struct frame_node nodes[NODES];
    static const uint8_t distance[NODES * NODES] = {10, 20, 30, 20, 10, 20, 30, 20, 10};
    if (metadata != NULL)
        munmap(metadata, metadata_size);
    metadata_size = frame_metadata_size(ranges, range_count, CPUS);
    metadata = mmap(NULL, metadata_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(metadata != MAP_FAILED);
    memset(metadata, 0xa5, bits_min(metadata_size, 1 << 20));
    memset(&model, 0, sizeof model);
    frame_init(&frames, ranges, range_count, CPUS, metadata);
    for (size_t i = 0; i < range_count; i++)
        frame_add(&frames, ranges[i].start, ranges[i].end);
    uint64_t third = ranges[range_count - 1].end.number / NODES;
    for (unsigned i = 0; i < NODES; i++) {
        thirds[i] = (struct frame_range){{i * third}, {(i + 1) * third - 5}};
        nodes[i] = (struct frame_node){&thirds[i], 1};
    }
    frame_set_nodes(&frames, nodes, NODES, distance);
    frame_set_cpu_node(&frames, 1, 1);
    frame_set_cpu_node(&frames, 2, 2);
    frame_set_reserve(&frames, RESERVE);
    host_frame_drain = drain_all;
}

static const struct shrink_test operations = {
    .name = "operations",
    .kinds = kinds,
    .begin = begin,
    .make = make,
    .apply = apply,
    .check = check,
    .check_every = 25000,
    .finish = finish,
};

/* A million operations in all; with LONG=1 a thousand times as many. */
static void run(bool debug)
{
    const char *seed = getenv("SEED");
    host_frame_debug = debug;
    for (int round = 0; round < (random_steps(1) > 1 ? 1000 : 1); round++) {
        char number[16];
        snprintf(number, sizeof number, "%d", 20240607 + round);
        if (seed == NULL)
            setenv("SEED", number, 1);
        shrink_random(&operations, 250000);
        if (seed == NULL)
            unsetenv("SEED");
    }
    host_frame_debug = true;
}

static void forty_eight_mebibytes(void **state)
{
    (void)state;
    ranges[0] = (struct frame_range){{1}, {0x9f}};
    ranges[1] = (struct frame_range){{0x100}, {48 * MIB >> PAGE_SHIFT}};
    range_count = 2;
    run(true);
}

static void four_gibibytes_around_a_hole(void **state)
{
    (void)state;
    ranges[0] = (struct frame_range){{1}, {0x9f}};
    ranges[1] = (struct frame_range){{0x100}, {0x4007f}};
    ranges[2] = (struct frame_range){{0x4007f}, {0xbffe1}};
    ranges[3] = (struct frame_range){{0x100000}, {0x13ffff}};
    range_count = 4;
    run(true);
}

/* 16 GiB in each 32 GiB, a frame less at both ends. */
static void a_tebibyte_scattered_over_two(void **state)
{
    (void)state;
    for (range_count = 0; range_count < 64; range_count++) {
        uint64_t start = range_count * (32 * GIB >> PAGE_SHIFT);
        ranges[range_count] =
            (struct frame_range){{start + 1}, {start + (16 * GIB >> PAGE_SHIFT) - 1}};
    }
    run(false);
}

static void sixty_four_tebibytes_in_a_hundred_ranges(void **state)
{
    (void)state;
    uint64_t each = (64 * TIB >> PAGE_SHIFT) / RANGES_MAX;
    for (range_count = 0; range_count < RANGES_MAX; range_count++)
        ranges[range_count] =
            (struct frame_range){{range_count * each + 3}, {(range_count + 1) * each}};
    run(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forty_eight_mebibytes),
        cmocka_unit_test(four_gibibytes_around_a_hole),
        cmocka_unit_test(a_tebibyte_scattered_over_two),
        cmocka_unit_test(sixty_four_tebibytes_in_a_hundred_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

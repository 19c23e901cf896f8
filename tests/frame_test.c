/* SPDX-License-Identifier: MIT */
/* Tests what the tree of lib/alloc/frame*.c does beyond the contract that frame_contract_test asks
 * of every frame allocator: at its scale, in its order, with its records; and against a model that
 * keeps one byte for each frame. */
#include "lib/alloc/frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "lib/alloc/frame_tree.h"
#include "tests/host/expect.h"
#include "tests/host/machine.h"
#include "tests/host/shrink.h"

#define GARBAGE      0xa5
#define CPUS         8
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A frame allocator whose metadata is exactly as long as it asked for, so that ASan sees its ends.
 */
static struct frames frames;
static void *metadata;

static struct frame_range range(uint64_t start, uint64_t end)
{
    return (struct frame_range){{start}, {end}};
}

static void begin(const struct frame_range *ranges, size_t count)
{
    size_t size = frame_metadata_size(ranges, count, CPUS);
    free(metadata);
    metadata = malloc(size);
    memset(metadata, GARBAGE, size);
    memset(&frames, GARBAGE, sizeof frames);
    frame_init(&frames, ranges, count, CPUS, metadata);
}

static void begin_free(const struct frame_range *ranges, size_t count)
{
    begin(ranges, count);
    for (size_t i = 0; i < count; i++)
        frame_add(&frames, ranges[i].start, ranges[i].end);
}

static int end(void **state)
{
    (void)state;
    free(metadata);
    metadata = NULL;
    host_frame_debug = true;
    host_machine_stop();
    return 0;
}

static void tell(const char *sentence)
{
    print_error("%s\n", sentence);
}

static uint64_t alloc_below(unsigned order, uint64_t below)
{
    struct frame_request request = {.order = (uint8_t)order, .below = {below}};
    return frame_alloc(&frames, request).number;
}

static uint64_t alloc(unsigned order)
{
    return alloc_below(order, 0);
}

static void give_back(uint64_t frame, unsigned order)
{
    frame_free(&frames, (frame_t){frame}, order);
}

static bool alloc_at(uint64_t frame, unsigned order)
{
    return frame_alloc_at(&frames, (frame_t){frame}, order);
}

static void give_back_part(uint64_t block, unsigned order, uint64_t part, unsigned part_order)
{
    frame_free_part(&frames, (frame_t){block}, order, (frame_t){part}, part_order);
}

/* Contract */

static void all_memory_can_be_had_in_every_order(void **state)
{
    (void)state;
    struct frame_range all = range(SPAN_FRAMES, 2 * SPAN_FRAMES);
    begin_free(&all, 1);
    for (unsigned order = 0; order < FRAME_ORDERS; order += order == 0 ? 3 : 1) {
        uint64_t blocks = SPAN_FRAMES >> order;
        uint8_t *seen = calloc(blocks, 1);
        for (uint64_t i = 0; i < blocks; i++) {
            uint64_t block = alloc(order) - SPAN_FRAMES;
            assert_true(block < SPAN_FRAMES);
            assert_int_equal(seen[block >> order]++, 0);
        }
        free(seen);
        assert_int_equal(frame_free_count(&frames), 0);
        assert_int_equal(alloc(order), FRAME_NONE.number);
        for (uint64_t i = 0; i < blocks; i++)
            give_back(SPAN_FRAMES + (i << order), order);
        assert_int_equal(frame_free_count(&frames), SPAN_FRAMES);
    }
    assert_int_equal(frame_check(&frames, tell), 0);
}

static void high_addresses_go_first(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(0, 0x9f), range(0x100, 0x7ff00)};
    begin_free(ranges, COUNT(ranges));
    assert_int_equal(alloc(0), 0x7feff);
    assert_int_equal(alloc(FRAME_ORDER_MAX), FRAME_NONE.number);
    assert_true(alloc(9) > 0x7f000);
}

/* However memory is cut up, what lies below 16 MiB goes last, and what lies below 4 GiB before it.
 */
static void low_memory_is_the_last_to_go(void **state)
{
    (void)state;
    const uint64_t dma = 16 * MIB >> PAGE_SHIFT, dma32 = 4 * GIB >> PAGE_SHIFT;
    struct frame_range ranges[] = {range(1, 159), range(256, 3 * SPAN_FRAMES - 77),
                                   range(dma32, dma32 + 5000)};
    begin_free(ranges, COUNT(ranges));
    uint64_t low = 158 + dma - 256, middle = 3 * SPAN_FRAMES - 77 - dma;
    for (uint64_t i = 0; i < 5000; i++)
        assert_true(alloc(0) >= dma32);
    for (uint64_t i = 0; i < middle; i++) {
        uint64_t frame = alloc(0);
        assert_true(frame >= dma && frame < dma32);
    }
    assert_int_equal(frame_free_count(&frames), low);
    assert_true(alloc(0) < dma);
    assert_true(alloc_below(0, 256) < 256);
}

static void a_block_may_be_given_back_in_parts(void **state)
{
    (void)state;
    struct frame_range all = range(0, SPAN_FRAMES);
    begin_free(&all, 1);
    assert_int_equal(alloc(18), 0);
    give_back_part(0, 18, 1, 0);
    for (unsigned order = 1; order < 18; order++)
        give_back((uint64_t)1 << order, order);
    assert_int_equal(frame_free_count(&frames), SPAN_FRAMES - 1);
    assert_int_equal(alloc(18), FRAME_NONE.number);
    give_back(0, 0);
    assert_int_equal(alloc(18), 0);
}

/* Ceilings. What a block below `ceiling` needs is said here without looking at bits. */

static bool fits_below(const struct frame_range *ranges, size_t count, unsigned order,
                       uint64_t ceiling)
{
    uint64_t size = (uint64_t)1 << order;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = (ranges[i].start.number + size - 1) / size * size;
        uint64_t last = ranges[i].end.number < ceiling ? ranges[i].end.number : ceiling;
        if (first + size <= last)
            return true;
    }
    return false;
}

static void check_ceiling(const struct frame_range *ranges, size_t count, unsigned order,
                          uint64_t ceiling)
{
    uint64_t block = alloc_below(order, ceiling);
    if (block == FRAME_NONE.number) {
        assert_false(fits_below(ranges, count, order, ceiling));
        assert_int_equal(frame_free_count(&frames), frames.total);
        return;
    }
    assert_true(fits_below(ranges, count, order, ceiling));
    assert_true(block + ((uint64_t)1 << order) <= ceiling);
    give_back(block, order);
}

static void ceilings_hold_to_the_frame(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(1, 0x9f), range(0x100, 0x1234),
                                   range(0x7fff3, 3 * SPAN_FRAMES)};
    uint64_t edges[] = {1,      2,       0x40,    0x9f,    0x100,   0x200,   0x400,   0x1200,
                        0x1234, 0x7fff3, 0x80000, 0x80200, 0x81000, 0xbfe00, 0xc0000, 0x100000};
    begin_free(ranges, COUNT(ranges));
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        for (size_t i = 0; i < COUNT(edges); i++)
            for (uint64_t ceiling = edges[i] > 3 ? edges[i] - 3 : 1; ceiling < edges[i] + 3;
                 ceiling++)
                check_ceiling(ranges, COUNT(ranges), order, ceiling);
    assert_int_equal(frame_check(&frames, tell), 0);
}

static void a_ceiling_holds_inside_split_blocks_too(void **state)
{
    (void)state;
    struct frame_range all = range(0, SPAN_FRAMES);
    begin_free(&all, 1);
    assert_true(alloc_at(0x300, 0));
    assert_int_equal(alloc_below(0, 0x301), 0x2ff);
    assert_int_equal(alloc_below(0, 0x201), 0x200);
    assert_int_equal(alloc_below(0, 0x201), 0x1ff);
    assert_int_equal(alloc_below(0, 1), 0);
    assert_int_equal(alloc_below(0, 1), FRAME_NONE.number);
    assert_int_equal(alloc_below(4, 0x220), 0x210);
    assert_int_equal(alloc_below(4, 0x21f), 0x1e0);
}

static void a_ceiling_above_everything_is_none(void **state)
{
    (void)state;
    struct frame_range all = range(5, 77);
    begin_free(&all, 1);
    assert_int_equal(alloc_below(0, UINT64_MAX), 76);
    assert_int_equal(alloc_below(0, 5), FRAME_NONE.number);
    assert_int_equal(alloc_below(0, 6), 5);
}

/* Ranges */

static void ragged_ranges_are_managed_to_the_frame(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(1, 2), range(3, 517), range(0x3ffff, 0x40001),
                                   range(0x80000, 0x80001), range(0x12345678, 0x12345689)};
    begin_free(ranges, COUNT(ranges));
    uint64_t total = 1 + 514 + 2 + 1 + 17;
    assert_int_equal(frames.total, total);
    assert_int_equal(frame_free_count(&frames), total);
    uint64_t block = 0;
    for (uint64_t i = 0; i < total; i++) {
        block = alloc(0);
        bool managed = false;
        for (size_t r = 0; r < COUNT(ranges); r++)
            managed = managed || (ranges[r].start.number <= block && block < ranges[r].end.number);
        assert_true(managed);
    }
    assert_int_equal(alloc(0), FRAME_NONE.number);
}

static double bits_a_frame(const struct frame_range *ranges, size_t count)
{
    double all = 0;
    for (size_t i = 0; i < count; i++)
        all += (double)(ranges[i].end.number - ranges[i].start.number);
    return (double)frame_metadata_size(ranges, count, CPUS) * 8 / all;
}

static void metadata_costs_little_more_than_a_bit_a_frame(void **state)
{
    (void)state;
    static struct frame_range sparse[512];
    struct frame_range low = range(0, TIB >> PAGE_SHIFT);
    struct frame_range high = range(TIB >> PAGE_SHIFT, 2 * TIB >> PAGE_SHIFT);
    struct frame_range huge = range(0, 64 * TIB >> PAGE_SHIFT);
    host_frame_debug = false;
    for (size_t i = 0; i < COUNT(sparse); i++)
        sparse[i] = range(4 * i * SPAN_FRAMES, (4 * i + 2) * SPAN_FRAMES);
    assert_true(bits_a_frame(&low, 1) <= 1.06);
    assert_true(bits_a_frame(&high, 1) <= 1.06);
    assert_true(bits_a_frame(&huge, 1) <= 1.06);
    assert_true(bits_a_frame(sparse, COUNT(sparse)) <= 1.06);
}

/* Bytes of a mapping that the host has given memory to. */
static size_t resident(void *start, size_t size)
{
    size_t pages = (size + PAGE_SIZE - 1) / PAGE_SIZE, count = 0;
    unsigned char *here = malloc(pages);
    assert_int_equal(mincore(start, size, here), 0);
    for (size_t i = 0; i < pages; i++)
        count += here[i] & 1;
    free(here);
    return count * PAGE_SIZE;
}

static void sixty_four_terabytes_start_without_a_visit_to_each_frame(void **state)
{
    (void)state;
    static struct frame_range ranges[100];
    uint64_t each = 64 * TIB / COUNT(ranges) >> PAGE_SHIFT;
    for (size_t i = 0; i < COUNT(ranges); i++)
        ranges[i] = range(i * each + 1, (i + 1) * each);
    host_frame_debug = false;
    size_t size = frame_metadata_size(ranges, COUNT(ranges), CPUS);
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(map != MAP_FAILED);
    madvise(map, size, MADV_NOHUGEPAGE);
    frame_init(&frames, ranges, COUNT(ranges), CPUS, map);
    for (size_t i = 0; i < COUNT(ranges); i++)
        frame_add(&frames, ranges[i].start, ranges[i].end);
    assert_true(resident(map, size) <= size / 4); /* a page for each GiB, none for each 2 MiB */
    assert_int_equal(frame_free_count(&frames), COUNT(ranges) * (each - 1));

    uint64_t top = alloc(0);
    assert_int_equal(top, COUNT(ranges) * each - 1);
    give_back(top, 0);
    assert_int_equal(alloc(18) % SPAN_FRAMES, 0);
    assert_true(alloc_below(9, 0x401) <= 0x200);
    munmap(map, size);
}

/* Misuse */

/* Of a release build: single frames are looked at when a CPU puts them back, if not before. */
static void misuse_panics_without_records_too(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(0x10, 0x1400), range(0x40000, 0xc0000)};
    host_frame_debug = false;
    begin_free(ranges, COUNT(ranges));
    uint64_t one = alloc(0), two = alloc(0), block = alloc(9), eight = alloc(3), huge = alloc(18);
    uint64_t before = frame_free_count(&frames);
    give_back(one, 0);
    expect_panic(give_back(one, 0), "free already");
    give_back(block, 9);
    expect_panic(give_back(block, 9), "free already");
    expect_panic(give_back(block, 0), "free already");
    expect_panic(give_back(block, 5), "free already");
    expect_panic(give_back(block & ~0x3ffULL, 10), "free already");
    give_back(eight, 3);
    expect_panic(give_back(eight, 3), "free already");
    expect_panic(give_back(eight, 1), "free already");
    give_back(huge, 18);
    expect_panic(give_back(huge, 18), "free already");
    expect_panic(give_back(huge, 9), "free already");
    expect_panic(give_back(huge + 77, 0), "free already");
    expect_panic(give_back(0xf, 0), "not memory that is managed");
    expect_panic(give_back(0x1400, 0), "not memory that is managed");
    expect_panic(give_back(0x20000, 0), "not memory that is managed");
    expect_panic(give_back(0x5000000000, 9), "not memory that is managed");
    expect_panic(give_back(0x201, 1), "not aligned");
    expect_panic(give_back(0x200, 19), "no order 19");
    expect_panic(frame_set_cpu_node(&frames, CPUS, 0), "no CPU 8");
    expect_panic(frame_alloc(&frames, (struct frame_request){.node = 1}), "no node 0");
    expect_panic(frame_alloc_run(&frames, (struct frame_run){.count = 0}), "0 frames");
    expect_panic(frame_alloc_run(&frames, (struct frame_run){1, 3, {0}, 0, 0}), "aligned to 3");
    give_back(two, 0);
    assert_true(frame_drain(&frames));
    assert_true(frame_free_count(&frames) >= before);
    assert_int_equal(frame_check(&frames, tell), 0);
    two = alloc(0);
    give_back(two - two % 64 - 64, 0); /* one that is free, in another word */
    expect_panic(frame_drain(&frames), "free already");
}

static void a_panic_of_free_changes_nothing(void **state)
{
    (void)state;
    struct frame_range all = range(0, 2 * SPAN_FRAMES);
    begin_free(&all, 1);
    for (unsigned order = 1; order < FRAME_ORDERS; order++) {
        uint64_t size = (uint64_t)1 << order;
        expect_panic(give_back(SPAN_FRAMES, order), "0x40000");
        assert_true(alloc_at(SPAN_FRAMES, order));
        give_back_part(SPAN_FRAMES, order, SPAN_FRAMES + size - 1, 0);
        expect_panic(give_back(SPAN_FRAMES, order), "0x40000");
        assert_int_equal(frame_free_count(&frames), frames.total - size + 1);
        assert_int_equal(frame_check(&frames, tell), 0);
        assert_true(alloc_at(SPAN_FRAMES + size - 1, 0));
        give_back(SPAN_FRAMES + size - 1, 0);
        for (unsigned k = 0; k < order; k++)
            give_back(SPAN_FRAMES + size - (2ULL << k), k);
    }
}

/* Interrupts: a second thread sends signals, whose handler is an interrupt handler of the CPU that
 * it comes to. */

#define INTERRUPTED_FRAMES (6 * BLOCK_FRAMES + 77)

static struct {
    uint8_t taken[INTERRUPTED_FRAMES];
    uint64_t kept[16]; /* by the handler: 1 + frame */
    struct random dice;
    unsigned count;
    bool over;
    pthread_t thread;
} interrupt;

static void mark(uint64_t frame, unsigned order, uint8_t from)
{
    for (uint64_t at = frame; at < frame + (1ULL << order); at++)
        if (__atomic_exchange_n(&interrupt.taken[at], !from, __ATOMIC_SEQ_CST) != from)
            abort(); /* given out twice */
}

static uint64_t take_marked(unsigned order)
{
    uint64_t frame = alloc(order);
    if (frame != FRAME_NONE.number)
        mark(frame, order, 0);
    return frame;
}

static void free_marked(uint64_t frame, unsigned order)
{
    mark(frame, order, 1);
    give_back(frame, order);
}

static void handle(int signal)
{
    (void)signal;
    interrupt.count++;
    uint64_t *kept = &interrupt.kept[random_below(&interrupt.dice, COUNT(interrupt.kept))];
    if (*kept != 0)
        free_marked(*kept - 1, 0);
    *kept = take_marked(0) + 1;
    unsigned order = (unsigned)random_below(&interrupt.dice, 10);
    uint64_t block = take_marked(order);
    if (block != FRAME_NONE.number)
        free_marked(block, order);
}

static void *interrupt_often(void *argument)
{
    (void)argument;
    struct random dice = random_start();
    while (!__atomic_load_n(&interrupt.over, __ATOMIC_SEQ_CST)) {
        pthread_kill(interrupt.thread, SIGUSR1);
        for (uint64_t i = random_below(&dice, 3000); i > 0; i--)
            __asm__ volatile("pause");
    }
    return NULL;
}

static void interrupt_handlers_may_come_at_any_moment(void **state)
{
    (void)state;
    struct frame_range all = range(0, INTERRUPTED_FRAMES);
    struct random dice = random_start();
    uint64_t held[256] = {0};
    pthread_t sender;
    host_frame_debug = false;
    begin_free(&all, 1);
    memset(&interrupt, 0, sizeof interrupt);
    interrupt.thread = pthread_self();
    interrupt.dice = random_start();
    signal(SIGUSR1, handle);
    assert_int_equal(pthread_create(&sender, NULL, interrupt_often, NULL), 0);
    for (uint64_t step = 0; step < random_steps(100000) || interrupt.count < 1000; step++) {
        size_t i = random_below(&dice, COUNT(held));
        unsigned order = i % 3 == 0 ? 0 : (unsigned)i % 10; /* of the block that is held there */
        if (held[i] != 0)
            free_marked(held[i] - 1, order);
        held[i] = take_marked(order) + 1;
    }
    __atomic_store_n(&interrupt.over, true, __ATOMIC_SEQ_CST);
    pthread_join(sender, NULL);
    signal(SIGUSR1, SIG_DFL);
    for (size_t i = 0; i < COUNT(held); i++)
        if (held[i] != 0)
            free_marked(held[i] - 1, i % 3 == 0 ? 0 : (unsigned)i % 10);
    for (size_t i = 0; i < COUNT(interrupt.kept); i++)
        if (interrupt.kept[i] != 0)
            free_marked(interrupt.kept[i] - 1, 0);
    assert_true(frame_drain(&frames));
    assert_int_equal(frame_check(&frames, tell), 0);
    assert_int_equal(frame_free_count(&frames), frames.total);
}

/* Runs, nodes, the reserve */

static void a_run_of_any_length_is_had_where_it_fits(void **state)
{
    (void)state;
    struct frame_range ranges[] = {range(7, 1500), range(1600, 3 * SPAN_FRAMES + 5)};
    begin_free(ranges, COUNT(ranges));
    const uint64_t counts[] = {1, 3, 64, 100, 513, 1000, 5000, SPAN_FRAMES, 2 * SPAN_FRAMES + 77};
    for (size_t i = 0; i < COUNT(counts); i++)
        for (uint64_t align = 1; align <= 4096; align *= 64) {
            frame_t run =
                frame_alloc_run(&frames, (struct frame_run){.count = counts[i], .align = align});
            assert_false(frame_is_none(run));
            assert_int_equal(run.number % align, 0);
            assert_int_equal(frame_free_count(&frames), frames.total - counts[i]);
            frame_free_run(&frames, run, counts[i]);
            assert_int_equal(frame_check(&frames, tell), 0);
        }
    frame_t low = frame_alloc_run(&frames, (struct frame_run){.count = 1493, .below = {1500}});
    assert_int_equal(low.number, 7);
    assert_true(
        frame_is_none(frame_alloc_run(&frames, (struct frame_run){.count = 1, .below = {1600}})));
    assert_true(frame_is_none(frame_alloc_run(&frames, (struct frame_run){.count = frames.total})));
    frame_free_run(&frames, low, 1493);
    assert_int_equal(frame_free_count(&frames), frames.total);
}

static void a_node_gives_first_then_the_nearest(void **state)
{
    (void)state;
    static const struct frame_range all[] = {{{0}, {1000}}, {{1000}, {2000}}, {{2000}, {3001}}};
    static const struct frame_node nodes[] = {{&all[0], 1}, {&all[1], 1}, {&all[2], 1}};
    static const uint8_t distance[] = {10, 30, 20, 30, 10, 40, 20, 40, 10};
    static const unsigned order_of_nodes[3][3] = {{0, 2, 1}, {1, 0, 2}, {2, 0, 1}};
    for (unsigned node = 0; node < 3; node++) {
        begin_free(all, 3);
        frame_set_nodes(&frames, nodes, 3, distance);
        for (uint64_t i = 0; i < frames.total; i++) {
            struct frame_request request = {.node = (uint16_t)(1 + node)};
            uint64_t frame = frame_alloc(&frames, request).number;
            unsigned from = frame < 1000 ? 0 : frame < 2000 ? 1 : 2;
            uint64_t full = 0;
            for (unsigned k = 0; order_of_nodes[node][k] != from; k++)
                full += order_of_nodes[node][k] == 2 ? 1001 : 1000;
            assert_true(i >= full);
        }
    }
}

/* Random operations against a model: a byte for each frame. */

#define MODEL_FRAMES (3 * SPAN_FRAMES + 1234)
enum { IN_USE, FREE, NO_MEMORY };

struct live {
    uint64_t start;
    unsigned order;
};

static struct {
    uint8_t frame[MODEL_FRAMES];
    uint64_t free;
    struct live block[1 << 16]; /* allocated and to be freed */
    size_t blocks;
} model;

static bool model_is(uint64_t start, unsigned order, uint8_t what)
{
    uint64_t size = (uint64_t)1 << order;
    if (start + size > MODEL_FRAMES)
        return false;
    return model.frame[start] == what &&
           memcmp(&model.frame[start], &model.frame[start + 1], size - 1) == 0;
}

static void model_set(uint64_t start, unsigned order, uint8_t what)
{
    uint64_t size = (uint64_t)1 << order;
    memset(&model.frame[start], what, size);
    model.free += what == FREE ? size : -size;
}

static bool model_has_block(unsigned order, uint64_t ceiling)
{
    uint64_t size = (uint64_t)1 << order;
    uint64_t last = ceiling != 0 && ceiling < MODEL_FRAMES ? ceiling : MODEL_FRAMES;
    for (uint64_t start = 0; start + size <= last; start += size)
        if (model_is(start, order, FREE))
            return true;
    return false;
}

static void model_count(uint64_t count[FRAME_ORDERS])
{
    memset(count, 0, FRAME_ORDERS * sizeof *count);
    for (uint64_t at = 0; at < MODEL_FRAMES;) {
        unsigned order = 0;
        if (model.frame[at] != FREE) {
            at++;
            continue;
        }
        while (order < FRAME_ORDER_MAX && at % ((uint64_t)2 << order) == 0 &&
               model_is(at, order + 1, FREE))
            order++;
        count[order]++;
        at += (uint64_t)1 << order;
    }
}

static void remember(uint64_t start, unsigned order)
{
    if (model.blocks < COUNT(model.block))
        model.block[model.blocks++] = (struct live){start, order};
}

/* Random operations: {ALLOC, {order, ceiling}}, {ALLOC_AT, {order, frame}}, {FREE_ONE, {which}};
 * SPLIT frees the upper half of a block, FREE_TWICE breaks the rules with what is free. */
enum { ALLOC, ALLOC_AT, FREE_ONE, SPLIT, FREE_TWICE };
static const char *const kinds[] = {"ALLOC", "ALLOC_AT", "FREE_ONE", "SPLIT", "FREE_TWICE"};

static uint64_t random_order(struct random *dice)
{
    if (random_once_in(dice, 20))
        return random_below(dice, FRAME_ORDERS);
    return random_below(dice, 12) * random_below(dice, 12) / 12;
}

static struct shrink_op make_operation(struct random *dice, uint64_t step)
{
    bool growing = step / 20000 % 2 == 0; /* towards full, towards empty */
    uint64_t choice = random_below(dice, 10), order = random_order(dice);
    if (choice == 0)
        return (struct shrink_op){ALLOC_AT, {order, random_below(dice, MODEL_FRAMES)}};
    if ((choice < 8) == growing) {
        uint64_t ceiling = random_once_in(dice, 4) ? random_below(dice, MODEL_FRAMES + 99) : 0;
        return (struct shrink_op){ALLOC, {order, ceiling}};
    }
    unsigned how = random_once_in(dice, 4)    ? SPLIT
                   : random_once_in(dice, 99) ? FREE_TWICE
                                              : FREE_ONE;
    return (struct shrink_op){how, {random_below(dice, COUNT(model.block))}};
}

static void random_alloc(unsigned order, uint64_t ceiling)
{
    uint64_t block = alloc_below(order, ceiling);
    if (block == FRAME_NONE.number) {
        assert_false(model_has_block(order, ceiling));
        return;
    }
    assert_int_equal(block % ((uint64_t)1 << order), 0);
    assert_true(ceiling == 0 || block + ((uint64_t)1 << order) <= ceiling);
    assert_true(model_is(block, order, FREE));
    model_set(block, order, IN_USE);
    remember(block, order);
}

static void random_alloc_at(unsigned order, uint64_t frame)
{
    uint64_t block = frame >> order << order;
    if (!model_is(block, order, FREE) && !model_is(block, order, IN_USE))
        return;
    bool free = model_is(block, order, FREE);
    assert_true(alloc_at(block, order) == free);
    if (free) {
        model_set(block, order, IN_USE);
        remember(block, order);
    }
}

static void random_free(uint64_t which, unsigned how)
{
    if (model.blocks == 0)
        return;
    struct live *chosen = &model.block[which % model.blocks];
    struct live block = *chosen;
    if (block.order > 0 && how == SPLIT) {
        block.order = --chosen->order;
        block.start += (uint64_t)1 << block.order;
        give_back_part(chosen->start, block.order + 1, block.start, block.order);
    } else {
        *chosen = model.block[--model.blocks];
        give_back(block.start, block.order);
    }
    model_set(block.start, block.order, FREE);
    if (how == FREE_TWICE)
        expect_panic(give_back(block.start, block.order), "free already");
}

static void apply_operation(const struct shrink_op *op)
{
    if (op->what == ALLOC)
        random_alloc((unsigned)op->with[0], op->with[1]);
    else if (op->what == ALLOC_AT)
        random_alloc_at((unsigned)op->with[0], op->with[1]);
    else
        random_free(op->with[0], op->what);
    assert_int_equal(frame_free_count(&frames), model.free);
}

static void compare_with_model(void)
{
    uint64_t ours[FRAME_ORDERS], theirs[FRAME_ORDERS];
    assert_int_equal(frame_check(&frames, tell), 0);
    assert_int_equal(frame_free_count(&frames), model.free);
    assert_true(frame_drain(&frames));
    frame_count_blocks(&frames, ours);
    model_count(theirs);
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        assert_int_equal(ours[order], theirs[order]);
}

static void begin_with_model(void)
{
    struct frame_range ranges[] = {range(1, 0x9f), range(0x100, 0x3ff01), range(0x3ff01, 0x5ffff),
                                   range(0x60123, 0xbfe00), range(0xc0000, MODEL_FRAMES)};
    begin_free(ranges, COUNT(ranges));
    memset(model.frame, NO_MEMORY, sizeof model.frame);
    model.free = model.blocks = 0;
    for (size_t i = 0; i < COUNT(ranges); i++)
        for (uint64_t at = ranges[i].start.number; at < ranges[i].end.number; at++)
            model_set(at, 0, FREE);
}

static void free_all_blocks(void)
{
    while (model.blocks > 0)
        random_free(0, FREE_ONE);
    compare_with_model();
}

static const struct shrink_test operations = {
    .name = "operations",
    .kinds = kinds,
    .begin = begin_with_model,
    .make = make_operation,
    .apply = apply_operation,
    .check = compare_with_model,
    .check_every = 4000,
    .finish = free_all_blocks,
};

static void random_operations_agree_with_a_byte_for_each_frame(void **state)
{
    (void)state;
    shrink_random(&operations, random_steps(300000));
}

/* The checker: each row damages one thing, and the checker must say so. */

static char told[4096];

static void collect(const char *sentence)
{
    strncat(told, sentence, sizeof told - strlen(told) - 2);
    strcat(told, "\n");
}

static struct frame_span *span(uint64_t gib)
{
    return frames.span[gib];
}

/* As begin_frames_to_damage leaves it: GiB 1 whole, GiB 0 broken with block 3 (0x600) lacking its
 * first frame, GiB 2 without memory, GiB 3 with memory up to its block 4 and three frames, all of
 * it in use. */
static uint16_t *desc(uint64_t gib, unsigned block)
{
    return &span(gib)->desc[block];
}

static void free_a_gib_that_is_not_there(void)
{
    list_put(&frames, LIST_GIBS, 1, 2);
}

static void free_a_block_that_is_not_there(void)
{
    bits_set(span(3)->list[LIST_BLOCKS], 4);
}

static void free_a_frame_that_is_not_there(void)
{
    bits_set(span(3)->line[4], 3);
}

static void miscount_a_block(void)
{
    *desc(0, 3) += DESC_FRAME;
}

static void lose_a_bit(void)
{
    span(0)->line[3][7] &= span(0)->line[3][7] - 1;
}

static void fill_a_block(void)
{
    line_fill(span(0)->line[3], UINT64_MAX);
}

static void call_a_block_whole(void)
{
    bits_set(span(0)->list[LIST_BLOCKS], 3);
}

static void call_a_whole_block_used(void)
{
    *desc(0, 5) &= (uint16_t)~DESC_WHOLE;
}

static void free_a_frame_twice(void)
{
    bits_set(span(3)->list[LIST_BLOCKS], 0);
    bits_set(span(3)->line[0], 0);
}

static void fill_a_gib(void)
{
    line_fill(span(0)->list[LIST_BLOCKS], UINT64_MAX);
    line_fill(span(0)->line[3], 0);
}

static void lose_a_listing(void)
{
    line_fill(span(0)->list[5], 0);
}

static void miscount_a_list(void)
{
    frames.listed[5]++;
}

static void lose_a_listing_at_the_root(void)
{
    list_take(&frames, 5, 1, 0);
}

static void lose_the_whole_blocks(void)
{
    list_take(&frames, LIST_BLOCKS, 1, 0);
}

static void lose_a_hint(void)
{
    list_take(&frames, LIST_GIBS, 2, 0);
}

static void own_without_an_owner(void)
{
    *desc(0, 3) |= DESC_OWNED;
}

static void keep_what_is_in_the_tree(void)
{
    frames.cpu[7].first = 0x640;
    frames.cpu[7].mask = 2;
}

static void stay_busy(void)
{
    frames.cpu[7].busy = true;
}

static void miscount_what_was_taken(void)
{
    frames.pool++;
}

static void add_less_than_is_free(void)
{
    frames.total = frame_free_count(&frames) - 1;
}

static const struct {
    void (*damage)(void);
    const char *sentence;
} damages[] = {
    {free_a_gib_that_is_not_there, "frames 0x80000 to 0xbffff are free but not managed"},
    {free_a_block_that_is_not_there, "frames 0xc0800 to 0xc09ff are free but not managed"},
    {free_a_frame_that_is_not_there, "frames 0xc0803 to 0xc0803 are free but not managed"},
    {miscount_a_block, "block 0x600 counts 512 free frames, its line has 511"},
    {lose_a_bit, "block 0x600 counts 511 free frames, its line has 510"},
    {fill_a_block, "block 0x600 is wholly free and should have been merged"},
    {call_a_block_whole, "block 0x600 is whole, its descriptor says otherwise"},
    {call_a_whole_block_used, "block 0xa00 is whole, its descriptor says otherwise"},
    {free_a_frame_twice, "block 0xc0000 is free both as a whole and in part"},
    {fill_a_gib, "GiB 0 is wholly free and should have been merged"},
    {lose_a_listing, "block 0x600 has 511 free frames and is not listed for it"},
    {miscount_a_list, "list 5 counts 2 blocks, it has 1"},
    {lose_a_listing_at_the_root, "GiB 0 is not known to have blocks of list 5, but has"},
    {lose_the_whole_blocks, "GiB 0 is not known to have blocks of list 7, but has"},
    {lose_a_hint, "the top of list 8 does not know of GiB 1"},
    {own_without_an_owner, "block 0x600 is not owned by a CPU, its descriptor says otherwise"},
    {keep_what_is_in_the_tree, "frame 0x641 is at a CPU's hand and in the tree"},
    {stay_busy, "CPU 7 has been busy all the time"},
    {miscount_what_was_taken, "frames are counted free, the tree and the CPUs have"},
    {add_less_than_is_free, "that were added"},
};

static void begin_frames_to_damage(void)
{
    struct frame_range ranges[] = {range(0, 2 * SPAN_FRAMES),
                                   range(3 * SPAN_FRAMES, 3 * SPAN_FRAMES + 4 * BLOCK_FRAMES + 3)};
    begin_free(ranges, COUNT(ranges));
    for (int i = 0; i < 3; i++)
        alloc_at(3 * SPAN_FRAMES + 4 * BLOCK_FRAMES + (uint64_t)i, 0);
    alloc_at(3 * SPAN_FRAMES, 11);
    alloc_at(0x600, 0);
}

static void the_checker_sees_each_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(damages); i++) {
        begin_frames_to_damage();
        assert_int_equal(frame_check(&frames, tell), 0);
        told[0] = '\0';
        damages[i].damage();
        assert_int_not_equal(frame_check(&frames, collect), 0);
        if (strstr(told, damages[i].sentence) == NULL)
            fail_msg("\"%s\" was not said, but: %s", damages[i].sentence, told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_memory_can_be_had_in_every_order, end),
        cmocka_unit_test_teardown(high_addresses_go_first, end),
        cmocka_unit_test_teardown(low_memory_is_the_last_to_go, end),
        cmocka_unit_test_teardown(a_block_may_be_given_back_in_parts, end),
        cmocka_unit_test_teardown(ceilings_hold_to_the_frame, end),
        cmocka_unit_test_teardown(a_ceiling_holds_inside_split_blocks_too, end),
        cmocka_unit_test_teardown(a_ceiling_above_everything_is_none, end),
        cmocka_unit_test_teardown(ragged_ranges_are_managed_to_the_frame, end),
        cmocka_unit_test_teardown(metadata_costs_little_more_than_a_bit_a_frame, end),
        cmocka_unit_test_teardown(sixty_four_terabytes_start_without_a_visit_to_each_frame, end),
        cmocka_unit_test_teardown(misuse_panics_without_records_too, end),
        cmocka_unit_test_teardown(interrupt_handlers_may_come_at_any_moment, end),
        cmocka_unit_test_teardown(a_panic_of_free_changes_nothing, end),
        cmocka_unit_test_teardown(a_run_of_any_length_is_had_where_it_fits, end),
        cmocka_unit_test_teardown(a_node_gives_first_then_the_nearest, end),
        cmocka_unit_test_teardown(random_operations_agree_with_a_byte_for_each_frame, end),
        cmocka_unit_test_teardown(the_checker_sees_each_damage, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The prompt's view of physical frames: by order, as a picture, at hand of CPUs, and in a churn. */
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/hog.h"
#include "kernel/mm/pmm.h"
#include "kernel/picture.h"
#include "lib/alloc/frame_kind.h"
#include "lib/bits.h"
#include "lib/churn.h"
#include "lib/format.h"
#include "lib/string.h"

#include <machine.h>

#define ROWS 16 /* of a picture, at most */

static const char *size_of(char buffer[FORMAT_BYTES_SIZE], uint64_t frames)
{
    return format_bytes(buffer, frames << PAGE_SHIFT);
}

static void show_orders(const struct frames *all)
{
    uint64_t count[FRAME_ORDERS], sum = 0, free = frame_free_count(all);
    char block[FORMAT_BYTES_SIZE], total[FORMAT_BYTES_SIZE];
    frame_count_blocks(all, count);
    console_print("order      block  free blocks       free\n");
    for (unsigned order = 0; order < FRAME_ORDERS; order++) {
        console_print("%5u %10s %12lu %10s\n", order, size_of(block, (uint64_t)1 << order),
                      count[order], size_of(total, count[order] << order));
        sum += count[order] << order;
    }
    console_print("%lu of %lu frames are free (%s), %lu of them at hand of CPUs\n", free,
                  all->total, size_of(total, free), free - sum);
}

/* Rows without memory are left out. */
static void show_rows(const struct frames *all, struct frame_range range, unsigned order)
{
    uint64_t step = (uint64_t)PICTURE_COLUMNS << order;
    for (uint64_t at = range.start.number >> order << order; at < range.end.number; at += step) {
        char row[PICTURE_COLUMNS + 1];
        struct frame_range rest = {{at}, range.end};
        if (picture_row(all, rest, order, row))
            console_print("%012lx  %s\n", at << PAGE_SHIFT, row);
    }
}

static void show_node(const struct frames *all, size_t number, const struct frame_node *node,
                      unsigned order)
{
    console_print("node %zu\n", number);
    for (size_t i = 0; i < node->count; i++)
        show_rows(all, node->ranges[i], order);
}

static void show_picture(const struct frames *all)
{
    char size[FORMAT_BYTES_SIZE];
    const struct frame_node *nodes;
    size_t count = frame_nodes(all, &nodes);
    struct frame_range everything = {{0}, {frame_end(all)}};
    unsigned order = picture_order(everything, ROWS);
    console_print("A character is %s: . free, # in use, 1 to 9 the tenths that are in use.\n",
                  size_of(size, (uint64_t)1 << order));
    for (size_t i = 0; i < count; i++)
        show_node(all, i, &nodes[i], order);
    if (count == 0)
        show_rows(all, everything, order);
}

static void show_hands(const struct frames *all)
{
    struct frame_hand hand;
    for (unsigned number = 0; frame_hand(all, number, &hand); number++) {
        if (hand.ready + hand.freed + hand.credit == 0 && frame_is_none(hand.block))
            continue;
        console_print("CPU %u has %u frames at hand, freed %u, may take %lu", number, hand.ready,
                      hand.freed, hand.credit);
        if (!frame_is_none(hand.block))
            console_print(", next from the block at %lx", phys_of_frame(hand.block).addr);
        console_print("\n");
    }
}

static bool show(void)
{
    const struct frames *all = pmm_frames();
    console_print("frame allocator: %s\n", frame_kind.name);
    show_orders(all);
    show_picture(all);
    show_hands(all);
    return true;
}

/* The churn of lib/churn.h over real memory. */

#define CHURN_MOST    (GIB >> PAGE_SHIFT) /* frames that take part; the rest is put aside */
#define CHURN_LEAVES  64                  /* frames, for whoever else needs some meanwhile */
#define CHURN_SHOWN   20                  /* moments of it */
#define CHURN_PERCENT 50                  /* that are freed, unless the user says otherwise */

static uint64_t churn_alloc(unsigned number)
{
    (void)number;
    return pmm_alloc(PMM_KERNEL, (struct frame_request){0}).number;
}

static void churn_free(unsigned number, uint64_t frame)
{
    (void)number;
    pmm_free(PMM_KERNEL, (frame_t){frame}, 0);
}

/* A line: what of the free memory is in whole blocks, and all memory in a row. */
static void show_moment(unsigned round)
{
    const struct frames *all = pmm_frames();
    char row[PICTURE_COLUMNS + 1];
    struct frame_range everything = {{0}, {frame_end(all)}};
    uint64_t end = bits_round_up(frame_end(all), 512);
    struct frame_fullness now = frame_fullness(all, 0, end);
    uint64_t tenths = now.free == 0 ? 0 : now.whole * 1000 / now.free;
    picture_row(all, everything, picture_order(everything, 1), row);
    console_print("%5u %4lu.%lu %%  %s\n", round, tenths / 10, tenths % 10, row);
}

static void run_churn(struct churn *churn, unsigned percent)
{
    console_print("round  whole  all memory: . free, # in use\n");
    churn_fill(churn);
    churn_free_share(churn, percent);
    show_moment(0);
    for (unsigned round = 1; round <= CHURN_ROUNDS; round++) {
        churn_round(churn);
        if (round % (CHURN_ROUNDS / CHURN_SHOWN) == 0)
            show_moment(round);
    }
    churn_empty(churn);
}

/* Frames of which the numbers fit the block of this order. */
static uint64_t numbers_in(unsigned order)
{
    return (PAGE_SIZE << order) / sizeof(uint64_t);
}

static bool churn(unsigned percent)
{
    static const struct churn_world world = {churn_alloc, churn_free, 1};
    uint64_t before = frame_free_count(pmm_frames());
    unsigned order = 0;
    while (numbers_in(order) < bits_min(before, CHURN_MOST))
        order++;
    frame_t table = pmm_alloc(PMM_KERNEL, (struct frame_request){.order = (uint8_t)order});
    if (frame_is_none(table)) {
        console_print("frames: no memory for a table of the frames\n");
        return false;
    }
    struct hog aside;
    hog_take(&aside, CHURN_MOST, NULL);
    uint64_t free = frame_free_count(pmm_frames());
    struct churn churn = {&world, machine_phys_to_virt(phys_of_frame(table)), .random = 1};
    churn.room = free > CHURN_LEAVES ? free - CHURN_LEAVES : 0;
    run_churn(&churn, percent);
    hog_release(&aside);
    pmm_free(PMM_KERNEL, table, order);
    console_print("%lu frames are free, as before: %lu\n", frame_free_count(pmm_frames()), before);
    return true;
}

static bool frames(int argc, char **argv)
{
    uint64_t percent = CHURN_PERCENT;
    if (argc == 1)
        return show();
    if (strcmp(argv[1], "churn") != 0) {
        console_print("frames: \"%s\" is not churn\n", argv[1]);
        return false;
    }
    if (argc == 3 && !command_number(argv[2], "frames", &percent))
        return false;
    if (percent < 1 || percent > 99) {
        console_print("frames: from 1 to 99 percent are freed, not %lu\n", percent);
        return false;
    }
    return churn((unsigned)percent);
}

const struct command command_frames[] = {
    {"frames", "[churn [PERCENT]]", "physical frames, or how well they stay together", 0, 2,
     frames},
    {0},
};

/* SPDX-License-Identifier: MIT */
/*
 * Physical memory in two lives: a bump pointer while the page tables are built, the frame allocator
 * from then on. Every frame that leaves is booked under its use.
 */
#include "kernel/mm/pmm.h"

#include "kernel/memlayout.h"
#include "kernel/mm/pmm_drain.h"
#include "kernel/panic.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "lib/string.h"

#define RESERVE_SHARE 256 /* of the RAM is kept for those who cannot wait, */
#define RESERVE_MAX   ((uint64_t)4 * MIB >> PAGE_SHIFT) /* at most */
#define MANY          1024 /* frames: from here on it pays to see first whether they are there */

static const struct memmap *map;

/* The first life: frames are taken from the top of [early.start, early.end), and early.next moves
 * down to the last one taken. */
static struct {
    uint64_t start, next, end;
} early;

struct pmm pmm;
static uint64_t metadata_frames;

static bool reclaimed[BOOT_MEMORY_KINDS];

/* The part of a range that the kernel will ever touch: not frame 0, so that no valid block has
 * address 0, and nothing beyond the direct map. Empty: start >= end. */
static struct frame_range within_reach(const struct memmap_range *range)
{
    return (struct frame_range){{bits_max(range->start.number, 1)},
                                {bits_min(range->end.number, MEMLAYOUT_RAM_END.number)}};
}

static uint64_t range_frames(struct frame_range range)
{
    return range.start.number < range.end.number ? range.end.number - range.start.number : 0;
}

static int64_t booked(enum pmm_use use)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < FRAME_CPUS; i++)
        sum += pmm.books[i].used[use];
    return sum;
}

/* The first life */

int pmm_start(const struct memmap *memmap)
{
    map = memmap;
    pmm.grown_up = false;
    metadata_frames = 0;
    memset(&early, 0, sizeof early);
    memset(&pmm.frames, 0, sizeof pmm.frames);
    memset(pmm.books, 0, sizeof pmm.books);
    memset(reclaimed, 0, sizeof reclaimed);
    for (size_t i = 0; i < map->count; i++) {
        struct frame_range range = within_reach(&map->range[i]);
        range.end.number = bits_min(range.end.number, BOOT_MAPPED >> PAGE_SHIFT);
        if (map->range[i].kind == BOOT_USABLE && range_frames(range) > early.end - early.start) {
            early.start = range.start.number;
            early.next = early.end = range.end.number;
        }
    }
    return early.next > early.start ? 0 : -ENOMEM;
}

frame_t pmm_early_alloc(struct frame_request request)
{
    if (request.order != 0 || request.below.number != 0)
        panic("pmm_alloc: only single frames from anywhere before pmm_init, not order %u",
              request.order);
    if (early.next == early.start)
        return FRAME_NONE;
    return (frame_t){--early.next};
}

/* Only the last frame taken can come back; any other stays booked. Nobody frees that early but on
 * the way to giving up. */
bool pmm_early_free(frame_t frame)
{
    if (frame.number != early.next || early.next == early.end)
        return false;
    early.next++;
    return true;
}

/* The second life */

static bool is_managed_kind(enum boot_memory kind)
{
    return kind == BOOT_USABLE || kind == BOOT_LOADER || kind == BOOT_ACPI;
}

/* Writes the ranges that may ever be added to `out`, and returns how many. */
static size_t managed_ranges(struct frame_range *out)
{
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        struct frame_range range = within_reach(&map->range[i]);
        if (is_managed_kind(map->range[i].kind) && range_frames(range) > 0)
            out[count++] = range;
    }
    return count;
}

/* Frees the range for the allocator, save what the first life took and the metadata. */
static void add_around(struct frame_range range, const struct frame_range taken[2])
{
    uint64_t at = range.start.number;
    for (int i = 0; i < 2; i++) {
        if (taken[i].start.number < at || taken[i].end.number > range.end.number)
            continue;
        frame_add(&pmm.frames, (frame_t){at}, taken[i].start);
        at = taken[i].end.number;
    }
    frame_add(&pmm.frames, (frame_t){at}, range.end);
}

/* Makes single frames that the first life gave out known to the allocator, as if it had. */
static void adopt(struct frame_range range)
{
    frame_add(&pmm.frames, range.start, range.end);
    for (; range.start.number < range.end.number; range.start.number++)
        frame_alloc_at(&pmm.frames, range.start, 0);
}

/* The end of the highest usable range that has room: [start, end), empty if none has. Memory that
 * the first life uses is out of bounds. */
static struct frame_range place_metadata(uint64_t need)
{
    for (size_t i = map->count; i-- > 0;) {
        struct frame_range range = within_reach(&map->range[i]);
        if (map->range[i].kind != BOOT_USABLE)
            continue;
        if (range.start.number <= early.next && early.next < range.end.number)
            range.end.number = early.next;
        if (range_frames(range) >= need)
            return (struct frame_range){{range.end.number - need}, range.end};
    }
    return (struct frame_range){{0}, {0}};
}

int pmm_init(void)
{
    static struct frame_range ranges[MEMMAP_MAX];
    size_t count = managed_ranges(ranges);
    uint64_t need =
        bits_round_up(frame_metadata_size(ranges, count, FRAME_CPUS), PAGE_SIZE) >> PAGE_SHIFT;
    struct frame_range metadata = place_metadata(need);
    if (range_frames(metadata) == 0)
        return -ENOMEM;
    metadata_frames = need;
    frame_init(&pmm.frames, ranges, count, FRAME_CPUS,
               machine_phys_to_virt(phys_of_frame(metadata.start)));

    struct frame_range tables = {{early.next}, {early.end}};
    bool metadata_first = metadata.start.number < tables.start.number;
    const struct frame_range taken[2] = {metadata_first ? metadata : tables,
                                         metadata_first ? tables : metadata};
    for (size_t i = 0; i < map->count; i++) {
        struct frame_range range = within_reach(&map->range[i]);
        if (map->range[i].kind == BOOT_USABLE && range_frames(range) > 0)
            add_around(range, taken);
    }
    adopt(tables);
    frame_set_reserve(&pmm.frames, bits_min(RESERVE_MAX, memmap_ram(map) / RESERVE_SHARE));
    pmm.grown_up = true;
    return 0;
}

void pmm_reclaim(enum boot_memory kind)
{
    if (reclaimed[kind] || !is_managed_kind(kind) || kind == BOOT_USABLE)
        panic("pmm_reclaim: memory of kind %u is not there to be reclaimed", kind);
    reclaimed[kind] = true;
    for (size_t i = 0; i < map->count; i++) {
        struct frame_range range = within_reach(&map->range[i]);
        if (map->range[i].kind == kind && range_frames(range) > 0)
            frame_add(&pmm.frames, range.start, range.end);
    }
}

bool pmm_use_reserve(bool may)
{
    struct pmm_book *book = &pmm.books[frame_home_cpu()];
    bool might = book->may_use_reserve;
    book->may_use_reserve = may;
    return might;
}

frame_t pmm_alloc_from_reserve(struct frame_request request)
{
    if (!pmm.grown_up || !pmm.books[frame_home_cpu()].may_use_reserve)
        return FRAME_NONE;
    request.flags |= FRAME_ATOMIC;
    return frame_alloc(&pmm.frames, request);
}

size_t pmm_alloc_bulk(enum pmm_use use, struct frame_request request, frame_t *blocks, size_t count)
{
    size_t taken = frame_alloc_bulk(&pmm.frames, request, blocks, count);
    if (taken < count && pmm.books[frame_home_cpu()].may_use_reserve) {
        request.flags |= FRAME_ATOMIC;
        taken += frame_alloc_bulk(&pmm.frames, request, blocks + taken, count - taken);
    }
    pmm_book(use, (int64_t)taken << request.order);
    return taken;
}

void pmm_free_bulk(enum pmm_use use, const frame_t *blocks, size_t count, unsigned order)
{
    frame_free_bulk(&pmm.frames, blocks, count, order);
    pmm_book(use, -((int64_t)count << order));
}

void pmm_set_nodes(const struct frame_node *nodes, size_t count, const uint8_t *distance)
{
    frame_set_nodes(&pmm.frames, nodes, count, distance);
}

void pmm_drain(void)
{
    frame_drain(&pmm.frames);
    pmm_drain_others(&pmm.frames);
}

void pmm_set_cpu_node(unsigned number, unsigned node)
{
    frame_set_cpu_node(&pmm.frames, number, (uint16_t)node);
}

/* Purses */

static uint64_t *link_of(frame_t frame)
{
    return machine_phys_to_virt(phys_of_frame(frame));
}

int pmm_purse_fill(struct pmm_purse *purse, enum pmm_use use, size_t count)
{
    *purse = (struct pmm_purse){.use = use, .top = FRAME_NONE};
    if (pmm.grown_up && count >= MANY && count > frame_free_count(&pmm.frames))
        return -ENOMEM; /* at once, not after clearing all the memory there is */
    while (purse->count < count) {
        frame_t frame = pmm_alloc(use, (struct frame_request){.flags = FRAME_ZERO});
        if (frame_is_none(frame)) {
            pmm_purse_empty(purse);
            return -ENOMEM;
        }
        *link_of(frame) = purse->top.number;
        purse->top = frame;
        purse->count++;
    }
    return 0;
}

frame_t pmm_purse_take(struct pmm_purse *purse)
{
    if (purse->count == 0)
        panic("pmm_purse_take: the purse is empty");
    frame_t frame = purse->top;
    purse->top.number = *link_of(frame);
    *link_of(frame) = 0;
    purse->count--;
    return frame;
}

void pmm_purse_empty(struct pmm_purse *purse)
{
    while (purse->count > 0)
        pmm_free(purse->use, pmm_purse_take(purse), 0);
}

/* The account */

struct pmm_account pmm_account(void)
{
    struct pmm_account account = {
        .ram = memmap_ram(map),
        .free = pmm.grown_up ? frame_free_count(&pmm.frames) : early.next - early.start,
        .kernel = memmap_frames(map, BOOT_KERNEL) + memmap_frames(map, BOOT_INITRD) +
                  metadata_frames + (uint64_t)booked(PMM_KERNEL),
        .tables = (uint64_t)booked(PMM_TABLES),
        .heap = (uint64_t)booked(PMM_HEAP),
    };
    for (size_t i = 0; i < map->count; i++) {
        const struct memmap_range *range = &map->range[i];
        uint64_t size = range->end.number - range->start.number;
        uint64_t reachable = range_frames(within_reach(range));
        if (is_managed_kind(range->kind))
            account.reserved += size - reachable;
        if (range->kind == BOOT_FIRMWARE)
            account.firmware += size;
        else if (is_managed_kind(range->kind) && range->kind != BOOT_USABLE &&
                 !reclaimed[range->kind])
            account.firmware += reachable;
        else if (range->kind == BOOT_USABLE && !pmm.grown_up)
            account.free += reachable;
    }
    if (!pmm.grown_up)
        account.free -= early.end - early.start;
    return account;
}

const struct frames *pmm_frames(void)
{
    return pmm.grown_up ? &pmm.frames : NULL;
}

size_t pmm_check(check_report *report)
{
    struct check check = {.report = report};
    struct pmm_account account = pmm_account();
    uint64_t sum = account.free + account.kernel + account.tables + account.heap +
                   account.firmware + account.reserved;
    for (enum pmm_use use = 0; use < PMM_USES; use++)
        check_expect(&check, booked(use) >= 0, "%ld frames are booked for use %u", booked(use),
                     use);
    check_expect(&check, sum == account.ram, "%lu frames are accounted for, the RAM has %lu", sum,
                 account.ram);
    return check.violations + (pmm.grown_up ? frame_check(&pmm.frames, report) : 0);
}

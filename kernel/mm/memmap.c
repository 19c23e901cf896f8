/* SPDX-License-Identifier: MIT */
/*
 * Normalising the firmware's memory map by a sweep. Each range becomes two edges, one where it
 * starts and one where it ends; the sweep visits the edges in address order, counts how many ranges
 * of each kind are open, and lets the greatest open kind own the frames up to the next edge.
 */
#include "kernel/mm/memmap.h"

#include "lib/bits.h"
#include "lib/error.h"
#include "lib/sort.h"

/* An edge is a frame-aligned address with the kind in bits 1 to 4, and bit 0 set if a range starts
 * there: sorting the words sorts the addresses. */
typedef uint64_t edge_t;

static edge_t edges[2 * MEMMAP_INPUT_MAX];

static edge_t edge(uint64_t address, enum boot_memory kind, bool starts)
{
    return address | (uint64_t)kind << 1 | starts;
}

static uint64_t edge_address(edge_t e)
{
    return bits_round_down(e, PAGE_SIZE);
}

static enum boot_memory edge_kind(edge_t e)
{
    return (enum boot_memory)(e >> 1 & 15);
}

/* Memory that will be handed out: only frames that lie wholly inside may count. */
static bool is_offer(enum boot_memory kind)
{
    return kind == BOOT_USABLE || kind == BOOT_LOADER;
}

/* Appends the two edges of one range as far as it lies below `physical_end`. */
static size_t add_edges(size_t count, const struct boot_range *range, uint64_t physical_end)
{
    enum boot_memory kind =
        range->kind < BOOT_MEMORY_KINDS ? (enum boot_memory)range->kind : BOOT_RESERVED;
    uint64_t start = range->start, end;
    bool wraps = __builtin_add_overflow(start, range->bytes, &end);

    if (range->bytes == 0 || start >= physical_end || (wraps && is_offer(kind)))
        return count;
    if (wraps || end > physical_end)
        end = physical_end;
    if (is_offer(kind)) {
        start = bits_round_up(start, PAGE_SIZE);
        end = bits_round_down(end, PAGE_SIZE);
    } else {
        start = bits_round_down(start, PAGE_SIZE);
        end = bits_round_up(end, PAGE_SIZE);
    }
    if (start >= end)
        return count;
    edges[count++] = edge(start, kind, true);
    edges[count++] = edge(end, kind, false);
    return count;
}

/* Adds [start, end) behind what is there, joined to it where both are of one kind. */
static int append(struct memmap *map, uint64_t start, uint64_t end, enum boot_memory kind)
{
    struct memmap_range *last = map->count > 0 ? &map->range[map->count - 1] : NULL;
    frame_t first = frame_of_phys((phys_t){start}), behind = frame_of_phys((phys_t){end});
    if (last != NULL && last->kind == kind && last->end.number == first.number) {
        last->end = behind;
        return 0;
    }
    if (map->count == MEMMAP_MAX)
        return -E2BIG;
    map->range[map->count++] = (struct memmap_range){first, behind, kind};
    return 0;
}

int memmap_build(struct memmap *map, const struct boot_range *ranges, size_t count,
                 uint64_t physical_end)
{
    map->count = 0;
    if (count > MEMMAP_INPUT_MAX)
        return -E2BIG;
    size_t edge_count = 0;
    for (size_t i = 0; i < count; i++)
        edge_count = add_edges(edge_count, &ranges[i], physical_end);
    sort_words(edges, edge_count);

    size_t open[BOOT_MEMORY_KINDS] = {0};
    uint64_t swept = 0;
    for (size_t i = 0; i < edge_count; i++) {
        int winner = BOOT_MEMORY_KINDS - 1;
        while (winner >= 0 && open[winner] == 0)
            winner--;
        uint64_t address = edge_address(edges[i]);
        if (winner >= 0 && address > swept) {
            int error = append(map, swept, address, (enum boot_memory)winner);
            if (error != 0)
                return error;
        }
        swept = address;
        if (edges[i] & 1)
            open[edge_kind(edges[i])]++;
        else
            open[edge_kind(edges[i])]--;
    }
    return 0;
}

uint64_t memmap_frames(const struct memmap *map, enum boot_memory kind)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < map->count; i++)
        if (map->range[i].kind == kind)
            frames += map->range[i].end.number - map->range[i].start.number;
    return frames;
}

uint64_t memmap_ram(const struct memmap *map)
{
    uint64_t frames = 0;
    for (int kind = BOOT_USABLE; kind < BOOT_RESERVED; kind++)
        frames += memmap_frames(map, (enum boot_memory)kind);
    return frames;
}

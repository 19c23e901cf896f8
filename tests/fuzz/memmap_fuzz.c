/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes kernel/mm/memmap.c. Bytes: the end of physical memory (8), then a range after the other:
 * start (8), bytes (8), kind (1). Beside the form of the map, each frame next to an edge of an
 * input range must be what a look at all the ranges says.
 */
#include "kernel/mm/memmap.h"
#include "tests/fuzz/fuzz.h"

#define RANGES_MAX 64

static struct boot_range ranges[RANGES_MAX];
static size_t count;
static uint64_t physical_end;
static struct memmap map;

/* Wide enough for sums that do not fit 64 bits. */
typedef unsigned __int128 wide;

static bool offers(uint32_t kind)
{
    return kind == BOOT_USABLE || kind == BOOT_LOADER;
}

/* What one range makes of a frame: true iff it claims it. */
static bool claims(const struct boot_range *range, uint64_t frame)
{
    wide start = range->start, end = start + range->bytes;
    wide first = (wide)frame * PAGE_SIZE, past = first + PAGE_SIZE;
    if (offers(range->kind))
        return end <= UINT64_MAX && start <= first &&
               past <= (end < physical_end ? end : physical_end);
    return range->bytes > 0 && start < past && first < end;
}

/* The greatest kind that claims the frame, or -1. */
static int expected_kind(uint64_t frame)
{
    int winner = -1;
    for (size_t i = 0; i < count; i++) {
        int kind = ranges[i].kind < BOOT_MEMORY_KINDS ? (int)ranges[i].kind : BOOT_RESERVED;
        if (claims(&ranges[i], frame) && kind > winner)
            winner = kind;
    }
    return frame < physical_end / PAGE_SIZE ? winner : -1;
}

static int actual_kind(uint64_t frame)
{
    for (size_t i = 0; i < map.count; i++)
        if (frame >= map.range[i].start.number && frame < map.range[i].end.number)
            return (int)map.range[i].kind;
    return -1;
}

static void check_around(uint64_t address)
{
    uint64_t frame = address / PAGE_SIZE;
    for (uint64_t near = frame > 0 ? frame - 1 : 0; near <= frame + 1; near++)
        FUZZ_EXPECT(actual_kind(near) == expected_kind(near));
}

static void check_form(void)
{
    uint64_t frames = 0, ram = 0;
    for (size_t i = 0; i < map.count; i++) {
        const struct memmap_range *range = &map.range[i], *before = range - 1;
        FUZZ_EXPECT(range->start.number < range->end.number);
        FUZZ_EXPECT(range->end.number <= physical_end / PAGE_SIZE);
        FUZZ_EXPECT(i == 0 || before->end.number <= range->start.number);
        FUZZ_EXPECT(i == 0 || before->end.number < range->start.number ||
                    before->kind != range->kind);
        frames += range->end.number - range->start.number;
    }
    for (int kind = 0; kind < BOOT_RESERVED; kind++)
        ram += memmap_frames(&map, (enum boot_memory)kind);
    FUZZ_EXPECT(ram == memmap_ram(&map));
    FUZZ_EXPECT(frames == ram + memmap_frames(&map, BOOT_RESERVED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    physical_end = fuzz_take(&bytes, 8) & ~(uint64_t)(PAGE_SIZE - 1);
    for (count = 0; count < RANGES_MAX && bytes.left > 0; count++) {
        ranges[count].start = fuzz_take(&bytes, 8);
        ranges[count].bytes = fuzz_take(&bytes, 8);
        ranges[count].kind = (uint32_t)fuzz_take(&bytes, 1);
    }
    FUZZ_EXPECT(memmap_build(&map, ranges, count, physical_end) == 0);
    check_form();
    check_around(0);
    check_around(physical_end);
    for (size_t i = 0; i < count; i++) {
        check_around(ranges[i].start);
        check_around(ranges[i].start + ranges[i].bytes);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes sequences of operations on two heaps: the bytes say what is allocated, resized, freed by
 * whom, collected, trimmed and parked, which build it is, and when the port fails. Every block is
 * full of its number; heap_check() finds nothing at the end, and all memory comes back.
 */
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "tests/host/expect.h"

#define SLOTS      16
#define OPERATIONS 300

static struct heap_world world;
static struct heap heaps[2];

static struct {
    unsigned char *block;
    size_t size;
} slots[SLOTS];

/* For tests/host/heap_port.c: nothing here may panic. */
void expect_panicked(const char *format, va_list arguments)
{
    vfprintf(stderr, format, arguments);
    abort();
}

static void say(const char *sentence)
{
    fprintf(stderr, "heap_check: %s\n", sentence);
}

/* From 0 to 255 << 13. */
static size_t take_size(struct fuzz_bytes *bytes)
{
    size_t size = fuzz_take(bytes, 1);
    return size << fuzz_take(bytes, 1) % 14;
}

static void is_full(unsigned number, size_t size)
{
    for (size_t i = 0; i < size; i += i < 64 ? 1 : 61)
        FUZZ_EXPECT(slots[number].block[i] == number);
}

static void fill(unsigned number, unsigned char *block, size_t size)
{
    slots[number].block = block;
    slots[number].size = size;
    if (block != NULL)
        memset(block, (int)number, size);
}

static void allocate(struct heap *heap, unsigned number, struct fuzz_bytes *bytes)
{
    size_t size = take_size(bytes);
    uint64_t kind = fuzz_take(bytes, 1);
    size_t align = (size_t)1 << kind % 16;
    unsigned char *block = NULL;
    if (kind < 64) {
        block = heap_alloc_zeroed(heap, size);
        for (size_t i = 0; block != NULL && i < size; i++)
            FUZZ_EXPECT(block[i] == 0);
    } else {
        block = kind < 128 ? heap_alloc_aligned(heap, size, align) : heap_alloc(heap, size);
        FUZZ_EXPECT(kind >= 128 || (uintptr_t)block % align == 0);
    }
    fill(number, block, size);
}

static void release(struct heap *heap, unsigned number)
{
    is_full(number, slots[number].size);
    FUZZ_EXPECT(heap_owns(&world, slots[number].block));
    heap_free_sized(heap, slots[number].block, slots[number].size);
    slots[number].block = NULL;
}

static void resize(struct heap *heap, unsigned number, size_t size)
{
    unsigned char *block = heap_realloc(heap, slots[number].block, size);
    if (block == NULL) {
        is_full(number, slots[number].size);
        return;
    }
    slots[number].block = block;
    is_full(number, size < slots[number].size ? size : slots[number].size);
    fill(number, block, size);
}

static void do_rare(struct heap *heap, unsigned what)
{
    if (what == 0)
        heap_trim(heap);
    else if (what == 1)
        heap_collect(heap);
    else if (what == 2)
        heap_tick(heap, host_heap_clock += 700);
    else if (what == 3)
        FUZZ_EXPECT((heap_park(heap), heap_adopt(&world)) == heap);
}

static void operate(struct fuzz_bytes *bytes)
{
    unsigned what = (unsigned)fuzz_take(bytes, 1), number = what % SLOTS;
    struct heap *heap = &heaps[what >> 4 & 1];
    if (what >> 5 == 7)
        do_rare(heap, what % 8);
    else if (slots[number].block == NULL)
        allocate(heap, number, bytes);
    else if (what >> 5 < 2)
        resize(heap, number, take_size(bytes));
    else
        release(heap, number);
}

static void start(struct fuzz_bytes *bytes)
{
    unsigned build = (unsigned)fuzz_take(bytes, 1), call = (unsigned)fuzz_take(bytes, 1);
    host_heap_debug = build % 4 == 1;
    host_heap_harden = build % 4 == 2;
    host_heap_commits = (build & 4) != 0;
    host_heap_huge_min = MIB / 2;
    host_heap_start(&world, 0, 64 * MIB, 0);
    heap_init(&heaps[0], &world);
    heap_init(&heaps[1], &world);
    if ((build & 8) != 0)
        host_heap_fail(call, (build & 16) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct heap_stats stats;
    start(&bytes);
    for (size_t i = 0; i < OPERATIONS && bytes.left > 0; i++)
        operate(&bytes);
    FUZZ_EXPECT(heap_check(&world, say) == 0);
    host_heap_fail_never();
    for (unsigned number = 0; number < SLOTS; number++)
        if (slots[number].block != NULL)
            release(&heaps[number % 2], number);
    for (unsigned i = 0; i < 4; i++)
        heap_trim(&heaps[i % 2]);
    heap_stats(&world, &stats);
    FUZZ_EXPECT(heap_check(&world, say) == 0);
    FUZZ_EXPECT(stats.free_bytes == stats.arena_bytes && stats.taken == world.record_bytes);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Hosted physical memory behind pmm; see ram.h. */
#include "tests/host/ram.h"

#include <stdio.h>
#include <string.h>

#include "kernel/mm/memmap.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"
#include "tests/host/machine.h"

#define FREED_BYTE 0xdb
#define FREED_ORDER_MAX                                                      \
    4 /* larger blocks keep their contents: they may never have been touched \
       */

static struct memmap map;
static uint64_t until_failure = UINT64_MAX;
static bool fails_for_good;
static bool has_failed;

frame_t __real_frame_alloc(struct frames *frames, struct frame_request request);
frame_t __wrap_frame_alloc(struct frames *frames, struct frame_request request);
void __real_frame_free(struct frames *frames, frame_t frame, unsigned order);
void __wrap_frame_free(struct frames *frames, frame_t frame, unsigned order);
size_t __wrap_frame_alloc_bulk(struct frames *frames, struct frame_request request, frame_t *blocks,
                               size_t count);
void __wrap_frame_free_bulk(struct frames *frames, const frame_t *blocks, size_t count,
                            unsigned order);

frame_t __wrap_frame_alloc(struct frames *frames, struct frame_request request)
{
    if (until_failure == 0) {
        has_failed = true;
        if (!fails_for_good)
            until_failure = UINT64_MAX;
        return FRAME_NONE;
    }
    if (until_failure != UINT64_MAX)
        until_failure--;
    return __real_frame_alloc(frames, request);
}

void __wrap_frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    __real_frame_free(frames, frame, order);
    host_tlb_freed(frame, order);
    if (order <= FREED_ORDER_MAX && phys_of_frame(frame).addr < host_memory_bytes)
        memset(machine_phys_to_virt(phys_of_frame(frame)), FREED_BYTE, PAGE_SIZE << order);
}

size_t __wrap_frame_alloc_bulk(struct frames *frames, struct frame_request request, frame_t *blocks,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = __wrap_frame_alloc(frames, request);
        if (frame_is_none(blocks[i]))
            return i;
    }
    return count;
}

void __wrap_frame_free_bulk(struct frames *frames, const frame_t *blocks, size_t count,
                            unsigned order)
{
    for (size_t i = 0; i < count; i++)
        __wrap_frame_free(frames, blocks[i], order);
}

void ram_start(uint64_t bytes)
{
    struct boot_range all = {.start = 0, .bytes = bytes, .kind = BOOT_USABLE};
    ram_fail_never();
    host_machine_start(bytes);
    if (memmap_build(&map, &all, 1, bytes) != 0 || pmm_start(&map) != 0 || pmm_init() != 0)
        panic("physical memory of 0x%llx bytes does not come up", (unsigned long long)bytes);
}

void ram_stop(void)
{
    ram_fail_never();
    host_machine_stop();
}

void ram_fail_after(uint64_t count, bool for_good)
{
    until_failure = count;
    fails_for_good = for_good;
    has_failed = false;
}

bool ram_fail_never(void)
{
    until_failure = UINT64_MAX;
    return has_failed;
}

uint64_t ram_free(void)
{
    return pmm_account().free;
}

void ram_told(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
}

/* SPDX-License-Identifier: MIT */
/*
 * The memory that the loader takes for the kernel: whole pages from the firmware, a note of each.
 * The notes become ranges of the memory map, or, if the boot fails, are given back.
 */
#include "boot/uefi/loader.h"
#include "lib/addr.h"
#include "lib/bits.h"
#include "lib/format.h"

static struct boot_range taken[MEMORY_RANGES_MAX];
static size_t taken_count;

static void *take(const char *what, uint64_t bytes, EFI_MEMORY_TYPE type, enum boot_memory kind)
{
    EFI_PHYSICAL_ADDRESS start = BOOT_MAPPED - 1;
    UINTN pages = bits_round_up(bytes, PAGE_SIZE) / PAGE_SIZE;
    char size[FORMAT_BYTES_SIZE];
    if (taken_count == MEMORY_RANGES_MAX || bytes > BOOT_MAPPED ||
        EFI_ERROR(services->AllocatePages(AllocateMaxAddress, type, pages, &start))) {
        console_error(EFI_OUT_OF_RESOURCES, "not enough memory below 4 GiB for %s (%s): add memory",
                      what, format_bytes(size, bytes));
        return NULL;
    }
    taken[taken_count++] = (struct boot_range){start, pages * PAGE_SIZE, kind};
    return (void *)start;
}

/* Takes pages for `bytes` bytes, contiguous, below BOOT_MAPPED, contents undefined. If there are
 * none, says so, with `what` they were for, and returns NULL. */
void *memory_take(const char *what, uint64_t bytes, enum boot_memory kind)
{
    return take(what, bytes, EfiLoaderData, kind);
}

/* As memory_take, for one page that may be executed where the firmware tells code from data. */
void *memory_take_code(const char *what)
{
    return take(what, PAGE_SIZE, EfiLoaderCode, BOOT_LOADER);
}

/* Gives everything back. */
void memory_release(void)
{
    for (; taken_count > 0; taken_count--) {
        struct boot_range *range = &taken[taken_count - 1];
        services->FreePages(range->start, range->bytes / PAGE_SIZE);
    }
}

/* Writes what was taken to `ranges`, which has room for MEMORY_RANGES_MAX. Returns the number. */
size_t memory_ranges(struct boot_range *ranges)
{
    for (size_t i = 0; i < taken_count; i++)
        ranges[i] = taken[i];
    return taken_count;
}

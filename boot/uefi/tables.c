/* SPDX-License-Identifier: MIT */
/*
 * The page tables that the kernel starts with: takes the placed image, gives what boot_info.h
 * promises. 4-level paging takes a virtual address apart so:
 *
 *      63        48 47     39 38     30 29     21 20     12 11          0
 *      | sign copy |  PML4   |  PDPT   |   PD    |   PT    |  in page   |
 *
 *   PML4[0]   -> low PDPT -> 4 PDs of 2 MiB pages   physical memory, [0, BOOT_MAPPED)
 *   PML4[256] -> the same PDPT, not executable      BOOT_DIRECT_MAP
 *   PML4[511] -> PDPT[510] -> PD -> PTs             BOOT_KERNEL_BASE, the image in 4 KiB pages
 */
#include <cpuid.h>
#include "boot/uefi/loader.h"
#include "lib/addr.h"
#include "lib/bits.h"
#include "lib/string.h"

#define ENTRIES 512

#define PRESENT    ((uint64_t)1 << 0)
#define WRITE      ((uint64_t)1 << 1)
#define LARGE      ((uint64_t)1 << 7)
#define NO_EXECUTE ((uint64_t)1 << 63)
#define ADDRESS    0x000ffffffffff000

#define CR4_LA57  ((uint64_t)1 << 12)
#define CPUID_NX  ((unsigned)1 << 20) /* of leaf 0x80000001, in edx */
#define CPUID_EXT 0x80000001

#define LOW_TABLES    (1 + 1 + BOOT_MAPPED / GIB) /* PML4, PDPT, PDs */
#define KERNEL_TABLES (1 + 1)                     /* PDPT, PD */

_Static_assert(BOOT_KERNEL_BASE % GIB == 0, "the kernel's GiB has one page directory");

/* Zeroed pages, handed out in order. */
struct pool {
    uint64_t *next;
};

/* True iff the CPU knows pages that are not executable. */
bool tables_no_execute(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(CPUID_EXT, &eax, &ebx, &ecx, &edx) != 0 && (edx & CPUID_NX) != 0;
}

/* The way out of 5-level paging leads through 32-bit mode: not worth it for firmware unseen. */
EFI_STATUS tables_check(struct loader *loader)
{
    (void)loader;
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    if ((cr4 & CR4_LA57) != 0)
        return console_error(EFI_UNSUPPORTED, "the firmware runs with 5-level paging, which is not "
                                              "supported: turn it off in the setup");
    return EFI_SUCCESS;
}

static unsigned index_at(uint64_t virt, unsigned shift)
{
    return (virt >> shift) % ENTRIES;
}

/* The table below `*entry`, made if it is not there. Permissions are left to the leaves. */
static uint64_t *table_below(uint64_t *entry, struct pool *pool)
{
    if (*entry == 0) {
        *entry = (uint64_t)pool->next | PRESENT | WRITE;
        pool->next += ENTRIES;
    }
    return (uint64_t *)(*entry & ADDRESS);
}

static void map_low(uint64_t *top, struct pool *pool, uint64_t no_execute)
{
    uint64_t *pdpt = table_below(&top[0], pool);
    for (uint64_t phys = 0; phys < BOOT_MAPPED; phys += 2 * MIB) {
        uint64_t *pd = table_below(&pdpt[index_at(phys, 30)], pool);
        pd[index_at(phys, 21)] = phys | PRESENT | WRITE | LARGE;
    }
    top[index_at(BOOT_DIRECT_MAP, 39)] = top[0] | no_execute;
}

static void map_page(uint64_t *top, struct pool *pool, uint64_t virt, uint64_t leaf)
{
    uint64_t *pdpt = table_below(&top[index_at(virt, 39)], pool);
    uint64_t *pd = table_below(&pdpt[index_at(virt, 30)], pool);
    uint64_t *pt = table_below(&pd[index_at(virt, 21)], pool);
    pt[index_at(virt, 12)] = leaf;
}

static void map_segment(uint64_t *top, struct pool *pool, const struct elf_segment *segment,
                        uint64_t phys, uint64_t no_execute)
{
    uint64_t flags = PRESENT;
    if ((segment->flags & ELF_WRITE) != 0)
        flags |= WRITE;
    if ((segment->flags & ELF_EXEC) == 0)
        flags |= no_execute;
    for (uint64_t at = 0; at < segment->memory_bytes; at += PAGE_SIZE)
        map_page(top, pool, segment->virt + at, (phys + at) | flags);
}

EFI_STATUS tables_build(struct loader *loader)
{
    const struct elf_image *image = &loader->image;
    uint64_t first = bits_round_down(image->virt_start, 2 * MIB);
    uint64_t bytes = bits_round_up(image->virt_end - first, 2 * MIB);
    uint64_t count = LOW_TABLES + KERNEL_TABLES + bytes / (2 * MIB);
    uint64_t *top = memory_take("page tables", count * PAGE_SIZE, BOOT_LOADER);
    if (top == NULL)
        return EFI_OUT_OF_RESOURCES;
    memset(top, 0, count * PAGE_SIZE);
    struct pool pool = {top + ENTRIES};
    uint64_t no_execute = tables_no_execute() ? NO_EXECUTE : 0;
    map_low(top, &pool, no_execute);
    for (size_t i = 0; i < image->segments; i++) {
        const struct elf_segment *segment = &image->segment[i];
        map_segment(top, &pool, segment,
                    loader->out->info.kernel_start + (segment->virt - image->virt_start),
                    no_execute);
    }
    loader->tables = (uint64_t)top;
    return EFI_SUCCESS;
}

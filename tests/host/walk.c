/* SPDX-License-Identifier: MIT */
/* The CPU's walk of the page tables; see walk.h. */
#include "tests/host/walk.h"

#include "kernel/mm/paging.h"
#include "tests/host/machine.h"

#define P         ((uint64_t)1 << 0)
#define RW        ((uint64_t)1 << 1)
#define US        ((uint64_t)1 << 2)
#define PWT       ((uint64_t)1 << 3)
#define PCD       ((uint64_t)1 << 4)
#define ACCESSED  ((uint64_t)1 << 5)
#define DIRTY     ((uint64_t)1 << 6)
#define PS        ((uint64_t)1 << 7)
#define PAT       ((uint64_t)1 << 7) /* of a page of 4 KiB, where there is no PS */
#define G         ((uint64_t)1 << 8)
#define LARGE_PAT ((uint64_t)1 << 12) /* of a large page */
#define XD        ((uint64_t)1 << 63)

/* Bits `low` to `high`, both included. */
static uint64_t field(unsigned low, unsigned high)
{
    return (UINT64_MAX >> (63 - high)) & (UINT64_MAX << low);
}

static uint64_t *entry_at(phys_t table, uintptr_t virt, unsigned level)
{
    uint64_t *entries = machine_phys_to_virt(table);
    return &entries[(virt >> (12 + 9 * level)) & 511];
}

static bool is_page(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & PS) != 0;
}

/* NULL, or why the entry, which is present, makes the CPU fault with "reserved bit" or use a memory
 * type that Loam does not set up. */
static const char *reserved_in(uint64_t entry, unsigned level)
{
    if ((entry & XD) && !host_has_nx)
        return "no-execute is set although the CPU does not have it";
    if (host_phys_bits < 52 && (entry & field(host_phys_bits, 51)))
        return "a physical address is wider than the CPU's";
    if (level == 3 && (entry & PS))
        return "the page size bit is set in a PML4 entry";
    if (level == 2 && (entry & PS) && !host_has_gib_pages)
        return "a page of 1 GiB although the CPU does not have them";
    if (level > 0 && (entry & PS) && (entry & field(13, 11 + 9 * level)))
        return "a large page is not aligned to its size";
    if (is_page(entry, level) && (entry & (level == 0 ? PAT : LARGE_PAT)))
        return "a page has a memory type that nobody asked for";
    return NULL;
}

/* What a page allows that is reached through entries whose conjunction is `all`, whose disjunction
 * is `any`, and of which `leaf` is the last. */
static unsigned flags_of(uint64_t all, uint64_t any, uint64_t leaf)
{
    unsigned flags = PAGE_READ;
    flags |= (all & RW) ? PAGE_WRITE : 0;
    flags |= (any & XD) ? 0 : PAGE_EXEC;
    flags |= (all & US) ? PAGE_USER : 0;
    flags |= (leaf & G) ? PAGE_GLOBAL : 0;
    flags |= (leaf & (PCD | PWT)) == (PCD | PWT) ? PAGE_UNCACHED : 0;
    flags |= (leaf & (PCD | PWT)) == PWT ? PAGE_WRITE_COMBINING : 0;
    return flags;
}

struct walk walk_tables(phys_t root, uintptr_t virt)
{
    struct walk walk = {.level = 4};
    uint64_t all = UINT64_MAX, any = 0;
    phys_t table = root;
    if ((uint64_t)((int64_t)(virt << 16) >> 16) != virt) {
        walk.wrong = "the address is not canonical";
        return walk;
    }
    for (unsigned level = 4; level-- > 0;) {
        walk.table[walk.tables++] = frame_of_phys(table);
        walk.level = level;
        walk.size = (uint64_t)1 << (12 + 9 * level);
        uint64_t entry = *(volatile uint64_t *)entry_at(table, virt, level);
        if (!(entry & P))
            return walk;
        walk.wrong = reserved_in(entry, level);
        if (walk.wrong != NULL)
            return walk;
        all &= entry;
        any |= entry;
        if (is_page(entry, level)) {
            walk.present = true;
            walk.phys.addr = (entry & field(12 + 9 * level, 51)) | (virt & (walk.size - 1));
            walk.flags = flags_of(all, any, entry);
            return walk;
        }
        table.addr = entry & field(12, 51);
    }
    return walk;
}

void walk_mark_used(phys_t root, uintptr_t virt)
{
    struct walk walk = walk_tables(root, virt);
    if (!walk.present)
        return;
    for (unsigned i = 0; i < walk.tables; i++)
        *entry_at(phys_of_frame(walk.table[i]), virt, 3 - i) |= ACCESSED;
    if (walk.flags & PAGE_WRITE)
        *entry_at(phys_of_frame(walk.table[walk.tables - 1]), virt, walk.level) |= DIRTY;
}

static uint64_t count_below(phys_t table, unsigned level)
{
    const uint64_t *entries = machine_phys_to_virt(table);
    uint64_t count = 1;
    if (level == 0)
        return 1;
    for (unsigned i = 0; i < 512; i++)
        if ((entries[i] & P) && !is_page(entries[i], level))
            count += count_below((phys_t){entries[i] & field(12, 51)}, level - 1);
    return count;
}

uint64_t walk_count_tables(phys_t root)
{
    return count_below(root, 3);
}

/* SPDX-License-Identifier: MIT */
/* The checker of page tables: what each table's parent says of it, against the table itself. */
#include "kernel/mm/paging_entry.h"

/* Returns the number of nonzero entries of the table, and counts the tables met. */
static uint64_t check_table(struct check *check, const uint64_t *table, unsigned level,
                            uintptr_t virt, uint64_t *tables)
{
    uint64_t used = 0;
    ++*tables;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        uint64_t entry = entry_read(&table[i]);
        uintptr_t at = canonical(virt + i * paging_span(level));
        used += entry != 0;
        if (entry == 0)
            continue;
        if (entry_is_page(entry, level)) {
            check_expect(check, entry & ENTRY_PAGE,
                         "the entry for 0x%lx, 0x%lx, was not made by paging", at, entry);
            check_expect(check, bits_is_aligned(entry_phys(entry).addr, paging_span(level)),
                         "the page at 0x%lx maps a misaligned physical address", at);
            continue;
        }
        uint64_t below = check_table(check, entry_table(entry), level - 1, at, tables);
        check_expect(check, entry_count(entry) == below,
                     "the table for 0x%lx is said to have %lu entries and has %lu", at,
                     entry_count(entry), below);
        check_expect(check, below != 0, "the table for 0x%lx is empty", at);
    }
    return used;
}

size_t paging_check(const struct paging *paging, check_report *report)
{
    struct check check = {.report = report};
    uint64_t tables = 0;
    check_table(&check, machine_phys_to_virt(paging->root), PAGING_LEVELS - 1, 0, &tables);
    check_expect(&check, tables == paging->tables, "%lu tables are counted, there are %lu",
                 paging->tables, tables);
    return check.violations;
}

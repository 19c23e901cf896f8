/* SPDX-License-Identifier: MIT */
/* The checker of address spaces: regions among themselves, and regions against the page tables. */
#include "kernel/mm/aspace.h"

#include <machine.h>

#include "lib/list.h"

/* Returns the pages that stand behind the region. */
static uint64_t check_region(struct check *check, const struct aspace *space,
                             const struct region *region)
{
    uintptr_t start = region_start(region);
    uint64_t pages = paging_count(space->paging, start, region->end - start);
    /* Without the no-execute bit every page can be executed. */
    unsigned told_apart = machine_has_nx() ? ~0u : ~(unsigned)PAGE_EXEC;
    check_expect(check, region->flags == 0 || pages == (region->end - start) >> PAGE_SHIFT,
                 "the region at 0x%lx allows access but has only %lu pages", start, pages);
    for (uintptr_t at = start; at < region->end; at += PAGE_SIZE) {
        struct page page;
        if (!paging_find(space->paging, at, &page))
            continue;
        check_expect(check, ((page.flags ^ region->flags) & told_apart) == 0,
                     "the page at 0x%lx has flags 0x%x, its region 0x%x", at, page.flags,
                     region->flags);
        check_expect(check, page.level == 0, "the page at 0x%lx is a large one", at);
    }
    return pages;
}

static void check_neighbours(struct check *check, const struct region *before,
                             const struct region *behind)
{
    check_expect(check, before->end <= region_start(behind),
                 "the regions at 0x%lx and 0x%lx overlap", region_start(before),
                 region_start(behind));
    check_expect(check, before->end != region_start(behind) || before->flags != behind->flags,
                 "the regions at 0x%lx and 0x%lx should have been merged", region_start(before),
                 region_start(behind));
}

size_t aspace_check(const struct aspace *space, check_report *report)
{
    struct check check = {.report = report};
    const struct region *before = NULL;
    uint64_t pages = 0;
    size_t count = 0;
    check_expect(&check, tree_is_sound(space->regions), "the tree of regions is out of balance");
    for (const struct region *region = aspace_next(space, space->start); region != NULL;
         before = region, region = aspace_next(space, region->end)) {
        uintptr_t start = region_start(region);
        count++;
        check_expect(&check,
                     start < region->end && start >= space->start && region->end <= space->end,
                     "the region [0x%lx, 0x%lx) is empty or outside its space", start, region->end);
        if (before != NULL)
            check_neighbours(&check, before, region);
        pages += check_region(&check, space, region);
    }
    check_expect(&check, count == space->region_count, "%zu regions are counted, there are %zu",
                 space->region_count, count);
    uint64_t mapped = paging_count(space->paging, space->start, space->end - space->start);
    check_expect(&check, mapped == pages, "%lu pages are mapped, the regions account for %lu",
                 mapped, pages);
    return check.violations;
}

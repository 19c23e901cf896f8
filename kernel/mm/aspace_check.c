/* SPDX-License-Identifier: MIT */
/* The checker of address spaces: regions among themselves, and regions against the page tables. */
#include "kernel/mm/aspace.h"

#include <machine.h>

#include "lib/list.h"

struct visit {
    struct check *check;
    const struct aspace *space;
};

static void check_page(void *context, const struct page *page)
{
    const struct visit *visit = context;
    if (page->virt < visit->space->start || page->virt >= visit->space->end)
        return;
    /* Without the no-execute bit every page can be executed. */
    unsigned told_apart = machine_has_nx() ? ~0u : ~(unsigned)PAGE_EXEC;
    const struct region *region = aspace_find(visit->space, page->virt);
    check_expect(visit->check, region != NULL, "the page at 0x%lx lies in no region", page->virt);
    check_expect(visit->check, page->level == 0, "the page at 0x%lx is a large one", page->virt);
    if (region != NULL)
        check_expect(visit->check,
                     ((page->flags ^ region->flags) & told_apart & ~ASPACE_SPARSE) == 0,
                     "the page at 0x%lx has flags 0x%x, its region 0x%x", page->virt, page->flags,
                     region->flags);
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

static void check_region(struct check *check, const struct aspace *space,
                         const struct region *region)
{
    uintptr_t start = region_start(region), end = region->end;
    bool is_inside = start < end && start >= space->start && end <= space->end;
    check_expect(check, is_inside, "the region [0x%lx, 0x%lx) is empty or outside its space", start,
                 end);
    if (!is_inside || region->flags == 0 || (region->flags & ASPACE_SPARSE))
        return;
    uint64_t pages = paging_count(space->paging, start, end - start);
    check_expect(check, pages == (end - start) >> PAGE_SHIFT,
                 "the region at 0x%lx allows access but has only %lu pages", start, pages);
}

/* The region behind this one, also if it is empty and the next would be itself again. */
static const struct region *next_behind(const struct aspace *space, const struct region *region)
{
    uintptr_t start = region_start(region);
    return aspace_next(space, region->end > start ? region->end : start + 1);
}

size_t aspace_check(const struct aspace *space, check_report *report)
{
    struct check check = {.report = report};
    const struct region *before = NULL;
    size_t count = 0;
    bool is_sound = tree_is_sound(space->regions);
    check_expect(&check, is_sound, "the tree of regions is out of order or out of balance");
    if (!is_sound)
        return check.violations; /* walking it might never end */
    for (const struct region *region = aspace_next(space, space->start); region != NULL;
         before = region, region = next_behind(space, region)) {
        count++;
        check_region(&check, space, region);
        if (before != NULL)
            check_neighbours(&check, before, region);
    }
    check_expect(&check, count == space->region_count, "%zu regions are counted, there are %zu",
                 space->region_count, count);
    struct visit visit = {&check, space};
    paging_visit(space->paging, check_page, &visit);
    return check.violations;
}

/* SPDX-License-Identifier: MIT */
/* A page-by-page model of an address space; see model.h. */
#include "tests/host/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/panic.h"
#include "lib/error.h"
#include "tests/host/machine.h"
#include "tests/host/ram.h"
#include "tests/host/walk.h"

#define WORDS        (PAGE_SIZE / sizeof(uint64_t))
#define MEMORY_BYTES (16 * MIB)

void model_start(struct model *model, uintptr_t start, uintptr_t end, uintptr_t window)
{
    memset(model, 0, sizeof *model);
    ram_start(MEMORY_BYTES);
    if (paging_init(&model->paging) != 0)
        panic("no memory for the root of the page tables");
    aspace_init(&model->space, &model->paging, start, end);
    model->before = pmm_account();
    model->window = window;
}

const char *model_stop(struct model *model)
{
    ram_fail_never();
    if (aspace_unmap(&model->space, model->space.start, model->space.end) != 0)
        return "the space cannot be unmapped";
    memset(model->page, 0, sizeof model->page);
    const char *difference = model_difference(model);
    struct pmm_account now = pmm_account();
    if (difference == NULL && memcmp(&now, &model->before, sizeof now) != 0)
        difference = "everything is unmapped, but not all frames are free again";
    ram_stop();
    return difference;
}

int model_end(void **state)
{
    const char *left = model_stop(*state);
    if (left != NULL)
        print_error("%s\n", left);
    return left == NULL ? 0 : -1;
}

void model_map(struct model *model, size_t first, size_t end, unsigned flags)
{
    for (size_t i = first; i < end; i++)
        model->page[i] = (struct model_page){.mapped = true, .backed = flags != 0, .flags = flags};
}

void model_unmap(struct model *model, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        model->page[i] = (struct model_page){0};
}

int model_protect(struct model *model, size_t first, size_t end, unsigned flags)
{
    for (size_t i = first; i < end; i++) {
        if (!model->page[i].mapped)
            return -ENOMEM;
        model->page[i].flags = flags;
        model->page[i].backed = model->page[i].backed || flags != 0;
    }
    return 0;
}

static uint64_t *words_of(const struct model *model, size_t i)
{
    struct page page;
    if (!paging_find(&model->paging, model_address(model, i), &page))
        return NULL;
    return machine_phys_to_virt(page.phys);
}

void model_write(struct model *model, size_t i, uint64_t stamp)
{
    uint64_t *words = words_of(model, i);
    if (!(model->page[i].flags & PAGE_WRITE) || words == NULL)
        return;
    model->page[i].stamp = words[0] = words[WORDS - 1] = stamp;
}

void model_touch(const struct model *model, size_t page)
{
    phys_t phys;
    host_tlb_touch(&model->paging, model_address(model, page), &phys);
}

/* What the CPU lets through. */
static const char *access_difference(const struct model *model, size_t i)
{
    const struct model_page *page = &model->page[i];
    struct walk walk = walk_tables(model->paging.root, model_address(model, i));
    unsigned flags = host_has_nx ? page->flags : page->flags | PAGE_EXEC;
    if (walk.wrong != NULL)
        return walk.wrong;
    if (walk.present != (page->flags != 0))
        return walk.present ? "a page can be read that should not" : "a page cannot be read";
    return walk.present && walk.flags != flags ? "a page has other flags" : NULL;
}

static const char *content_difference(const struct model *model, size_t i)
{
    static const uint64_t zeroes[WORDS];
    const struct model_page *page = &model->page[i];
    const uint64_t *words = words_of(model, i);
    if ((words != NULL) != page->backed)
        return words == NULL ? "a page has no frame" : "a page has a frame that it should not";
    if (words == NULL)
        return NULL;
    if (words[0] != page->stamp || words[WORDS - 1] != page->stamp)
        return page->stamp == 0 ? "a new page is not zero" : "a page has lost its contents";
    if (memcmp(&words[1], zeroes, PAGE_SIZE - 2 * sizeof *words) != 0)
        return "a page is not zero where nothing was written";
    return NULL;
}

static bool begins_region(const struct model *model, size_t i)
{
    const struct model_page *page = &model->page[i];
    return page->mapped && (i == 0 || !page[-1].mapped || page[-1].flags != page->flags);
}

static const char *region_difference(const struct model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < MODEL_PAGES; i++) {
        uintptr_t address = model_address(model, i);
        const struct region *region = aspace_find(&model->space, address + PAGE_SIZE - 1);
        count += begins_region(model, i);
        if ((region != NULL) != model->page[i].mapped)
            return region == NULL ? "a page lies in no region" : "a page lies in a region";
        if (region == NULL)
            continue;
        if (region->flags != model->page[i].flags)
            return "a region has other flags";
        if ((region_start(region) == address) != begins_region(model, i))
            return "a region begins elsewhere";
    }
    return count == model->space.region_count ? NULL : "there are more or fewer regions";
}

/* Frames are told apart by their number in a map. */
static const char *frame_difference(const struct model *model)
{
    static uint8_t seen[MEMORY_BYTES / PAGE_SIZE];
    struct pmm_account now = pmm_account();
    uint64_t backed = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < MODEL_PAGES; i++) {
        struct page page;
        if (!paging_find(&model->paging, model_address(model, i), &page))
            continue;
        backed++;
        if (seen[frame_of_phys(page.phys).number]++ != 0)
            return "two pages have one frame";
    }
    if (now.heap != backed)
        return "frames are booked that stand behind no page";
    if (now.tables != model->paging.tables)
        return "tables are booked that are not in use";
    return pmm_check(ram_told) == 0 ? NULL : "pmm_check tells something";
}

const char *model_difference(const struct model *model)
{
    const char *difference = region_difference(model);
    for (size_t i = 0; i < MODEL_PAGES && difference == NULL; i++) {
        difference = access_difference(model, i);
        if (difference == NULL)
            difference = content_difference(model, i);
    }
    if (difference == NULL)
        difference = frame_difference(model);
    if (difference == NULL && aspace_check(&model->space, ram_told) != 0)
        difference = "aspace_check tells something";
    if (difference == NULL && paging_check(&model->paging, ram_told) != 0)
        difference = "paging_check tells something";
    if (difference == NULL && walk_count_tables(model->paging.root) != model->paging.tables)
        difference = "paging.tables is not the number of tables";
    return difference != NULL ? difference : host_tlb_verify();
}

void model_compare(const struct model *model, const char *after)
{
    const char *difference = model_difference(model);
    if (difference != NULL)
        fail_msg("%s: %s", after, difference);
}

const char *model_flush_difference(const struct model *before, const struct model *after)
{
    uint64_t changed = 0;
    for (size_t i = 0; i < MODEL_PAGES; i++) {
        const struct model_page *page = &before->page[i], *now = &after->page[i];
        changed += page->flags != 0 && memcmp(page, now, sizeof *page) != 0;
    }
    if (host_flushes.all == 0 && host_flushes.pages < changed)
        return "a page that changed was not flushed";
    if (host_flushes.pages > changed + 1) /* one for tables that went without a page */
        return "more pages were flushed than changed";
    return host_flushes.all > changed / 32 ? "all was flushed for a few pages" : NULL;
}

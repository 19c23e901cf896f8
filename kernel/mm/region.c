/* SPDX-License-Identifier: MIT */
/* The cache of region structs: pages of equal slots, each page with a list of its free ones. */
#include "kernel/mm/region.h"

#include <machine.h>

#include "kernel/mm/aspace.h"
#include "kernel/mm/pmm.h"
#include "lib/bits.h"
#include "lib/list.h"

/* Heads a page; the slots follow. used + |free| == SLOTS. */
struct region_page {
    struct list link; /* in `partial` iff free != NULL */
    struct slot *free;
    frame_t frame;
    unsigned used;
};

struct slot {
    union {
        struct slot *next; /* while free */
        struct region region;
    };
};

#define SLOTS ((PAGE_SIZE - sizeof(struct region_page)) / sizeof(struct slot))

/* Pages with a free slot. */
static struct list partial = {&partial, &partial};

static struct region_page *page_of(const struct region *region)
{
    return (struct region_page *)bits_round_down((uintptr_t)region, PAGE_SIZE);
}

static struct region_page *page_new(void)
{
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
    if (frame_is_none(frame))
        return NULL;
    struct region_page *page = machine_phys_to_virt(phys_of_frame(frame));
    struct slot *slots = (struct slot *)(page + 1);
    *page = (struct region_page){.frame = frame};
    for (size_t i = SLOTS; i-- > 0;) {
        slots[i].next = page->free;
        page->free = &slots[i];
    }
    list_push_front(&partial, &page->link);
    return page;
}

struct region *region_alloc(void)
{
    struct region_page *page =
        list_is_empty(&partial) ? page_new() : container_of(partial.next, struct region_page, link);
    if (page == NULL)
        return NULL;
    struct slot *slot = page->free;
    page->free = slot->next;
    page->used++;
    if (page->free == NULL)
        list_remove(&page->link);
    return &slot->region;
}

void region_free(struct region *region)
{
    struct region_page *page = page_of(region);
    struct slot *slot = (struct slot *)region;
    if (page->free == NULL)
        list_push_front(&partial, &page->link);
    slot->next = page->free;
    page->free = slot;
    if (--page->used == 0) {
        list_remove(&page->link);
        pmm_free(PMM_KERNEL, page->frame, 0);
    }
}

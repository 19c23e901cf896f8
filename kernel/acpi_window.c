/* SPDX-License-Identifier: MIT */
/* The window fills from its start and is never emptied: tables do not move. */
#include "kernel/acpi_window.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/memlayout.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "lib/bits.h"

#define VIEWS_MAX 64

/* Whole pages of physical memory that are mapped in the window. */
static struct view {
    uint64_t phys;
    uint64_t bytes;
    uintptr_t virt;
} views[VIEWS_MAX];
static size_t view_count;
static uintptr_t window_next = MEMLAYOUT_ACPI_START;

static struct acpi tables;
static bool is_open;

const char *acpi_window_open(uint64_t rsdp)
{
    const char *wrong = acpi_open(&tables, rsdp, acpi_window_map);
    is_open = wrong == NULL;
    return wrong;
}

const struct acpi *acpi_window_tables(void)
{
    return is_open ? &tables : NULL;
}

static bool in_direct_map(uint64_t start, uint64_t end)
{
    phys_t phys;
    if (end > MEMLAYOUT_DIRECT_MAP_SIZE)
        return false;
    for (uint64_t at = start; at < end; at += PAGE_SIZE)
        if (!paging_translate(kspace_paging(), MEMLAYOUT_DIRECT_MAP_START + at, &phys))
            return false;
    return true;
}

static bool in_image(uint64_t start, uint64_t end)
{
    phys_t image;
    return !paging_translate(kspace_paging(), (uintptr_t)image_start, &image) ||
           (start < image.addr + (uint64_t)(image_end - image_start) && image.addr < end);
}

static const struct view *find_view(uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < view_count; i++)
        if (start >= views[i].phys && end <= views[i].phys + views[i].bytes)
            return &views[i];
    return NULL;
}

static const struct view *add_view(uint64_t start, uint64_t end)
{
    uint64_t bytes = end - start;
    if (view_count == VIEWS_MAX || bytes > MEMLAYOUT_ACPI_END - window_next)
        return NULL;
    bool were_on = lock_take_irq(&aspace_lock);
    int error =
        paging_map(kspace_paging(), window_next, (phys_t){start}, bytes, PAGE_READ | PAGE_GLOBAL);
    lock_release_irq(&aspace_lock, were_on);
    if (error != 0)
        return NULL;
    struct view *view = &views[view_count++];
    *view = (struct view){start, bytes, window_next};
    window_next += bytes;
    return view;
}

const void *acpi_window_map(uint64_t phys, size_t bytes)
{
    if (phys + bytes > (uint64_t)1 << cpu.physical_bits)
        return NULL;
    uint64_t start = bits_round_down(phys, PAGE_SIZE), end = bits_round_up(phys + bytes, PAGE_SIZE);
    if (in_direct_map(start, end))
        return (const void *)(MEMLAYOUT_DIRECT_MAP_START + phys);
    if (in_image(start, end))
        return NULL;
    const struct view *view = find_view(start, end);
    if (view == NULL)
        view = add_view(start, end);
    return view == NULL ? NULL : (const char *)view->virt + (phys - view->phys);
}

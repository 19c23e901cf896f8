/* SPDX-License-Identifier: MIT */
/* Building the kernel's address space, and auditing it. */
#include "kernel/mm/kspace.h"

#include <machine.h>

#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/memlayout.h"
#include "kernel/mm/paging.h"
#include "kernel/panic.h"
#include "kernel/mm/pmm.h"
#include "lib/bits.h"
#include "lib/error.h"

#define NOT_CACHED (PAGE_UNCACHED | PAGE_WRITE_COMBINING)

static struct paging tables;
static struct aspace space;
SEALED static uint64_t image_phys;                      /* physical address of image_start */
static bool sealed;                                     /* kspace_seal() has been called */
static uintptr_t devices_end = MEMLAYOUT_DEVICES_START; /* in use of their window */

struct aspace *kspace(void)
{
    return &space;
}

struct paging *kspace_paging(void)
{
    return &tables;
}

/* Building */

static bool in_direct_map(const struct memmap_range *range)
{
    return range->kind != BOOT_RESERVED && range->kind != BOOT_KERNEL &&
           range->start.number < MEMLAYOUT_RAM_END.number;
}

/* Maps RAM, joining neighbours of all kinds so that large pages can span them. */
static int map_direct(const struct memmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        if (!in_direct_map(&map->range[i]))
            continue;
        uint64_t start = map->range[i].start.number, end = map->range[i].end.number;
        while (i + 1 < map->count && in_direct_map(&map->range[i + 1]) &&
               map->range[i + 1].start.number == end)
            end = map->range[++i].end.number;
        if (end > MEMLAYOUT_RAM_END.number)
            end = MEMLAYOUT_RAM_END.number;
        phys_t phys = phys_of_frame((frame_t){start});
        int error = paging_map(&tables, MEMLAYOUT_DIRECT_MAP_START + phys.addr, phys,
                               (end - start) << PAGE_SHIFT, PAGE_READ | PAGE_WRITE | PAGE_GLOBAL);
        if (error != 0)
            return error;
    }
    return 0;
}

static int map_image_part(const char *start, const char *end, unsigned flags)
{
    phys_t phys = {image_phys + (uint64_t)(start - image_start)};
    return paging_map(&tables, (uintptr_t)start, phys, (uint64_t)(end - start),
                      flags | PAGE_READ | PAGE_GLOBAL);
}

static int map_image(void)
{
    int error = map_image_part(image_start, image_text_end, PAGE_EXEC);
    if (error == 0)
        error = map_image_part(image_text_end, image_rodata_end, 0);
    if (error == 0)
        error = map_image_part(image_rodata_end, image_sealed_end, PAGE_WRITE);
    if (error == 0)
        error = map_image_part(image_sealed_end, image_end, PAGE_WRITE);
    for (unsigned kind = 0; kind < STACK_KINDS && error == 0; kind++)
        error = paging_unmap(&tables, stack_get(0, kind).low - STACK_GUARD_SIZE, STACK_GUARD_SIZE,
                             NULL);
    return error;
}

int kspace_init(const struct memmap *map, uint64_t kernel_start)
{
    image_phys = kernel_start;
    int error = paging_init(&tables);
    if (error == 0)
        error = map_direct(map);
    if (error == 0)
        error = map_image();
    if (error != 0)
        return error;
    asm_write_cr3(tables.root.addr);
    machine_flush_all_here();
    aspace_init(&space, &tables, MEMLAYOUT_BRK_START, MEMLAYOUT_HEAP_TABLE_END);
    return 0;
}

void kspace_seal(void)
{
    uint64_t bytes = (uint64_t)(image_sealed_end - image_rodata_end);
    if (paging_protect(&tables, (uintptr_t)image_rodata_end, bytes, PAGE_READ | PAGE_GLOBAL) != 0)
        panic("no memory to seal %lu bytes of data", bytes);
    sealed = true;
}

static bool overlap(uint64_t a_start, uint64_t a_end, uint64_t b_start, uint64_t b_end)
{
    return a_start < b_end && b_start < a_end;
}

static bool overlaps_image(uint64_t start, uint64_t end)
{
    return overlap(start, end, image_phys, image_phys + (uint64_t)(image_end - image_start));
}

/* True iff the direct map shows part of the physical range. */
static bool in_direct_map_too(uint64_t start, uint64_t end)
{
    if (end > MEMLAYOUT_DIRECT_MAP_SIZE)
        end = MEMLAYOUT_DIRECT_MAP_SIZE;
    return start < end &&
           paging_count(&tables, MEMLAYOUT_DIRECT_MAP_START + start, end - start) != 0;
}

/* Devices */

/* Addresses that are equal to physical ones modulo 2 MiB, so that large pages can be used. */
static uintptr_t map_device(uint64_t start, uint64_t end, unsigned flags)
{
    uintptr_t virt = bits_round_up(devices_end, 2 * MIB) + start % (2 * MIB);
    if (in_direct_map_too(start, end) || overlaps_image(start, end) ||
        end - start > MEMLAYOUT_DEVICES_END - virt ||
        paging_map(&tables, virt, (phys_t){start}, end - start,
                   flags | PAGE_READ | PAGE_WRITE | PAGE_GLOBAL) != 0)
        return 0;
    devices_end = virt + (end - start);
    return virt;
}

void *kspace_map_device(phys_t phys, uint64_t bytes, unsigned flags)
{
    uint64_t start = bits_round_down(phys.addr, PAGE_SIZE);
    uint64_t end = bits_round_up(phys.addr + bytes, PAGE_SIZE);
    uint64_t limit = (uint64_t)1 << cpu.physical_bits;
    if (bytes > limit || phys.addr > limit - bytes)
        return NULL;
    bool were_on = lock_take_irq(&aspace_lock);
    uintptr_t virt = map_device(start, end, flags);
    lock_release_irq(&aspace_lock, were_on);
    return virt == 0 ? NULL : (void *)(virt + (phys.addr - start));
}

/* Stacks */

static int map_stack(struct stack stack)
{
    for (uintptr_t at = stack.low; at < stack.high; at += PAGE_SIZE) {
        frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
        if (frame_is_none(frame))
            return -ENOMEM;
        if (paging_map(&tables, at, phys_of_frame(frame), PAGE_SIZE,
                       PAGE_READ | PAGE_WRITE | PAGE_GLOBAL) != 0) {
            pmm_free(PMM_KERNEL, frame, 0);
            return -ENOMEM;
        }
    }
    return 0;
}

static void release_stack_page(frame_t frame, unsigned order)
{
    pmm_free(PMM_KERNEL, frame, order);
}

int kspace_map_stacks(unsigned cpu_number)
{
    uintptr_t start = stack_get(cpu_number, 0).low;
    int error = 0;
    bool were_on = lock_take_irq(&aspace_lock);
    for (unsigned kind = 0; kind < STACK_KINDS && error == 0; kind++)
        error = map_stack(stack_get(cpu_number, kind));
    if (error != 0)
        paging_unmap(&tables, start, stack_get(cpu_number, STACK_KINDS - 1).high - start,
                     release_stack_page);
    lock_release_irq(&aspace_lock, were_on);
    return error;
}

bool kspace_map_identity(frame_t frame, unsigned flags)
{
    phys_t phys = phys_of_frame(frame);
    bool were_on = lock_take_irq(&aspace_lock);
    bool mapped = paging_map(&tables, phys.addr, phys, PAGE_SIZE, flags) == 0;
    lock_release_irq(&aspace_lock, were_on);
    return mapped;
}

void kspace_unmap_identity(frame_t frame)
{
    bool were_on = lock_take_irq(&aspace_lock);
    paging_unmap(&tables, phys_of_frame(frame).addr, PAGE_SIZE, NULL);
    lock_release_irq(&aspace_lock, were_on);
}

/* Auditing */

static void audit_image_page(struct check *check, const struct page *page)
{
    bool text = image_is_text(page->virt);
    bool writable = page->virt >= (uintptr_t)(sealed ? image_sealed_end : image_rodata_end);
    check_expect(check, page->virt >= (uintptr_t)image_start && page->virt < (uintptr_t)image_end,
                 "0x%lx is mapped beside the kernel image", page->virt);
    check_expect(check, page->phys.addr - image_phys == page->virt - (uintptr_t)image_start,
                 "the image page at 0x%lx maps physical 0x%lx, which is not its own", page->virt,
                 page->phys.addr);
    check_expect(check, !(page->flags & PAGE_EXEC) == !text || !machine_has_nx(),
                 "the image page at 0x%lx is %sexecutable", page->virt, text ? "not " : "");
    check_expect(check, !(page->flags & PAGE_WRITE) == !writable,
                 "the image page at 0x%lx is %swritable", page->virt, writable ? "not " : "");
    struct stack stack;
    check_expect(check, !stack_find(page->virt, &stack) || page->virt >= stack.low,
                 "the guard page of a stack at 0x%lx is mapped", page->virt);
}

static void audit_device_page(struct check *check, const struct page *page)
{
    uint64_t end = page->phys.addr + paging_span(page->level);
    check_expect(check, page->virt < devices_end, "0x%lx is mapped beside the devices", page->virt);
    check_expect(check, !(page->flags & PAGE_EXEC) || !machine_has_nx(),
                 "the device page at 0x%lx is executable", page->virt);
    check_expect(check, !in_direct_map_too(page->phys.addr, end),
                 "the device page at 0x%lx is in the direct map, too", page->virt);
}

static void audit_stack_page(struct check *check, const struct page *page)
{
    struct stack stack;
    check_expect(check, stack_find(page->virt, &stack),
                 "0x%lx in the window of stacks is mapped, but no stack is there", page->virt);
    check_expect(check, !stack_find(page->virt, &stack) || page->virt >= stack.low,
                 "the guard page of a stack at 0x%lx is mapped", page->virt);
}

static bool in_stacks(uintptr_t virt)
{
    return virt >= MEMLAYOUT_STACKS_START && virt < MEMLAYOUT_STACKS_END;
}

static bool in_devices(uintptr_t virt)
{
    return virt >= MEMLAYOUT_DEVICES_START && virt < MEMLAYOUT_DEVICES_END;
}

static void audit_page(void *context, const struct page *page)
{
    struct check *check = context;
    check_expect(check, (intptr_t)page->virt < 0, "0x%lx in the lower half is mapped", page->virt);
    check_expect(check,
                 !(page->flags & PAGE_WRITE) || !(page->flags & PAGE_EXEC) || !machine_has_nx(),
                 "the page at 0x%lx is both writable and executable", page->virt);
    check_expect(check, page->flags & PAGE_GLOBAL || !(page->flags & PAGE_READ),
                 "the kernel page at 0x%lx is not global", page->virt);
    if (page->virt >= MEMLAYOUT_IMAGE_START) {
        audit_image_page(check, page);
        return;
    }
    check_expect(check,
                 !overlaps_image(page->phys.addr, page->phys.addr + paging_span(page->level)),
                 "the page at 0x%lx is an alias of the kernel image", page->virt);
    check_expect(check, in_devices(page->virt) == ((page->flags & NOT_CACHED) != 0),
                 "the page at 0x%lx is %scached", page->virt,
                 page->flags & NOT_CACHED ? "not " : "");
    if (in_devices(page->virt))
        audit_device_page(check, page);
    if (in_stacks(page->virt))
        audit_stack_page(check, page);
    if (page->virt - MEMLAYOUT_DIRECT_MAP_START < MEMLAYOUT_DIRECT_MAP_SIZE) {
        check_expect(check, page->phys.addr == page->virt - MEMLAYOUT_DIRECT_MAP_START,
                     "the direct map at 0x%lx maps physical 0x%lx", page->virt, page->phys.addr);
        check_expect(check, !(page->flags & PAGE_EXEC) || !machine_has_nx(),
                     "the direct map at 0x%lx is executable", page->virt);
    }
}

size_t kspace_audit(check_report *report)
{
    struct check check = {.report = report};
    check_expect(&check, asm_read_cr3() == tables.root.addr,
                 "the CPU uses the tables at 0x%lx, not the kernel's", asm_read_cr3());
    paging_visit(&tables, audit_page, &check);
    return check.violations + paging_check(&tables, report);
}

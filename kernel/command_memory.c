/* SPDX-License-Identifier: MIT */
/* Prompt commands that look at memory: where it is, how it is cut up, what is mapped. */
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/memlayout.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmem_cache.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "kernel/mm/pmm.h"
#include "kernel/mm/vmalloc.h"
#include "lib/format.h"

static bool mem(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct pmm_account account = pmm_account();
    console_print("%lu KiB free + %lu kernel + %lu page tables + %lu heap + %lu firmware + "
                  "%lu reserved = %lu KiB\n",
                  account.free * 4, account.kernel * 4, account.tables * 4, account.heap * 4,
                  account.firmware * 4, account.reserved * 4, account.ram * 4);
    return true;
}

/* maps: runs of pages that continue each other with equal flags */

struct run {
    uintptr_t start, end;
    phys_t phys;
    unsigned flags, level;
    bool scattered; /* not physically contiguous */
};

static const char *region_name(uintptr_t address)
{
    static const struct {
        uintptr_t start, end;
        const char *name;
    } windows[] = {
        {MEMLAYOUT_DIRECT_MAP_START, MEMLAYOUT_DIRECT_MAP_START + MEMLAYOUT_DIRECT_MAP_SIZE,
         "direct map"},
        {MEMLAYOUT_BRK_START, MEMLAYOUT_BRK_END, "brk"},
        {MEMLAYOUT_MMAP_START, MEMLAYOUT_MMAP_END, "mmap"},
        {MEMLAYOUT_VMALLOC_START, MEMLAYOUT_VMALLOC_END, "vmalloc"},
        {MEMLAYOUT_HEAP_TABLE_START, MEMLAYOUT_HEAP_TABLE_END, "heap table"},
        {MEMLAYOUT_DEVICES_START, MEMLAYOUT_DEVICES_END, "devices"},
        {MEMLAYOUT_ACPI_START, MEMLAYOUT_ACPI_END, "ACPI tables"},
        {MEMLAYOUT_STACKS_START, MEMLAYOUT_STACKS_END, "kernel stack"},
    };
    for (unsigned i = 0; i < sizeof windows / sizeof windows[0]; i++)
        if (address >= windows[i].start && address < windows[i].end)
            return windows[i].name;
    struct stack stack;
    if (stack_find(address, &stack))
        return "kernel stack";
    if (address >= (uintptr_t)image_start && address < (uintptr_t)image_end)
        return image_is_text(address)                  ? "kernel text"
               : address < (uintptr_t)image_rodata_end ? "kernel rodata"
               : address < (uintptr_t)image_sealed_end ? "sealed data"
                                                       : "kernel data";
    return "";
}

static void print_flags(unsigned flags)
{
    console_print("%c%c%c%c%c", flags & PAGE_READ ? 'r' : '-', flags & PAGE_WRITE ? 'w' : '-',
                  flags & PAGE_EXEC ? 'x' : '-', flags & PAGE_USER ? 'u' : '-',
                  flags & PAGE_GLOBAL ? 'g' : '-');
}

static void print_run(const struct run *run)
{
    static const char *const page[] = {"4K", "2M", "1G"};
    char size[FORMAT_BYTES_SIZE];
    if (run->end == run->start)
        return;
    console_print("%016lx-%016lx ", run->start, run->end);
    print_flags(run->flags);
    console_print(" %s %10s  %s", page[run->level], format_bytes(size, run->end - run->start),
                  region_name(run->start));
    if (!run->scattered)
        console_print(" -> %lx", run->phys.addr);
    console_print("\n");
}

static void extend_or_print(void *context, const struct page *page)
{
    struct run *run = context;
    uintptr_t size = paging_span(page->level);
    if (page->virt == run->end && page->flags == run->flags && page->level == run->level &&
        region_name(page->virt) == region_name(run->start)) {
        run->scattered |= page->phys.addr != run->phys.addr + (run->end - run->start);
        run->end += size;
        return;
    }
    print_run(run);
    *run = (struct run){page->virt, page->virt + size, page->phys, page->flags, page->level, false};
}

static bool maps(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct run run = {0};
    paging_visit(kspace_paging(), extend_or_print, &run);
    print_run(&run);
    console_print("%lu page tables, %zu regions in the space of brk and mmap\n",
                  kspace_paging()->tables, kspace()->region_count);
    return true;
}

static bool walk(int argc, char **argv)
{
    (void)argc;
    static const char *const table[] = {"PT", "PD", "PDPT", "PML4"};
    struct paging_step steps[PAGING_LEVELS];
    uint64_t address;
    phys_t phys;
    if (!command_number(argv[1], "walk", &address))
        return false;
    if ((intptr_t)(address << 16) >> 16 != (intptr_t)address) {
        console_print("walk: 0x%lx is not canonical: bits 48 to 63 must equal bit 47\n", address);
        return false;
    }
    size_t count = paging_walk(kspace_paging(), address, steps);
    for (size_t i = 0; i < count; i++) {
        console_print("%-4s [%3u] %016lx  ", table[steps[i].level], steps[i].index, steps[i].entry);
        if (i + 1 < count) {
            console_print("table of %lu entries\n", steps[i].entry >> 52 & 0x7ff);
        } else if (steps[i].entry == 0) {
            console_print("nothing\n");
        } else {
            print_flags(paging_entry_flags(steps[i].entry));
            console_print(" page of %lu KiB\n", paging_span(steps[i].level) / 1024);
        }
    }
    if (paging_translate(kspace_paging(), address, &phys))
        console_print("0x%lx -> physical 0x%lx  %s\n", address, phys.addr, region_name(address));
    else
        console_print("0x%lx is not mapped\n", address);
    return true;
}

/* check: every invariant of every structure */

static const char *checked; /* the structure at which a checker looks */

static void tell(const char *sentence)
{
    console_print("%s: %s\n", checked, sentence);
}

static size_t check_regions(check_report *report)
{
    return aspace_check(kspace(), report);
}

static bool check(int argc, char **argv)
{
    (void)argc, (void)argv;
    static const struct {
        const char *name;
        size_t (*run)(check_report *report);
    } checkers[] = {
        {"frames", pmm_check},   {"page tables", kspace_audit}, {"regions", check_regions},
        {"heap", kmalloc_check}, {"vmalloc", vmalloc_check},    {"object caches", kmem_cache_check},
    };
    size_t violations = 0;
    for (unsigned i = 0; i < sizeof checkers / sizeof checkers[0]; i++) {
        checked = checkers[i].name;
        size_t found = checkers[i].run(tell);
        if (found == 0)
            console_print("%s: every invariant holds\n", checked);
        violations += found;
    }
    return violations == 0;
}

const struct command command_memory[] = {
    {"mem", "", "where the RAM is, in one sum", 0, 0, mem},
    {"maps", "", "what is mapped, where and how", 0, 0, maps},
    {"walk", "ADDR", "the page table entries on the way to an address", 1, 1, walk},
    {"check", "", "verify every structure of the floors", 0, 0, check},
    {0},
};

/* SPDX-License-Identifier: MIT */
/* The hosted machine: sparse physical memory, and a model of the TLB; see machine.h. */
#include "tests/host/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/mm/paging.h"
#include "kernel/panic.h"
#include "tests/host/walk.h"

#define GARBAGE_BYTES (64 * MIB)
#define GARBAGE       0xa5

unsigned char *host_memory;
uint64_t host_memory_bytes;
bool host_has_gib_pages = true;
bool host_has_nx = true;
unsigned host_phys_bits = 46;
struct host_flushes host_flushes;

/* A page that was used and may still be cached. size 0: an empty place. */
struct cached_page {
    phys_t root;
    uintptr_t virt;
    uint64_t size;
    phys_t phys;
    unsigned flags;
};

#define PAGES_CACHED  512
#define TABLES_CACHED 512

/* Rings: what is new takes the place of what is oldest. */
static struct {
    struct cached_page page[PAGES_CACHED];
    size_t next_page;
    frame_t table[TABLES_CACHED];
    size_t next_table;
    char complaint[160]; /* "" as long as all is well */
} tlb;

void host_machine_stop(void)
{
    if (host_memory != NULL)
        munmap(host_memory, host_memory_bytes);
    host_memory = NULL;
    host_memory_bytes = 0;
}

static void forget_tables(void)
{
    for (size_t i = 0; i < TABLES_CACHED; i++)
        tlb.table[i] = FRAME_NONE;
}

void host_machine_start(uint64_t bytes)
{
    host_machine_stop();
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        panic("the host has no room for 0x%llx bytes of memory", (unsigned long long)bytes);
    host_memory = memory;
    host_memory_bytes = bytes;
    memset(host_memory, GARBAGE, bytes < GARBAGE_BYTES ? bytes : GARBAGE_BYTES);
    memset(&tlb, 0, sizeof tlb);
    forget_tables();
    host_has_gib_pages = host_has_nx = true;
    host_flushes = (struct host_flushes){0};
}

void *machine_phys_to_virt(phys_t phys)
{
    if (phys.addr >= host_memory_bytes)
        panic("there is no memory at physical 0x%llx", (unsigned long long)phys.addr);
    return host_memory + phys.addr;
}

static void flush_page(uintptr_t virt)
{
    for (size_t i = 0; i < PAGES_CACHED; i++)
        if (virt - tlb.page[i].virt < tlb.page[i].size)
            tlb.page[i].size = 0;
    forget_tables();
    host_flushes.pages++;
}

static void flush_all(void)
{
    for (size_t i = 0; i < PAGES_CACHED; i++)
        tlb.page[i].size = 0;
    forget_tables();
    host_flushes.all++;
}

void machine_flush(const struct machine_flush *flush)
{
    if (flush->count > MACHINE_FLUSH_MAX)
        flush_all();
    for (unsigned i = 0; i < flush->count && flush->count <= MACHINE_FLUSH_MAX; i++)
        flush_page(flush->page[i]);
}

static const struct cached_page *find_cached(phys_t root, uintptr_t virt)
{
    for (size_t i = 0; i < PAGES_CACHED; i++) {
        const struct cached_page *page = &tlb.page[i];
        if (page->root.addr == root.addr && virt - page->virt < page->size)
            return page;
    }
    return NULL;
}

bool host_tlb_touch(const struct paging *paging, uintptr_t virt, phys_t *phys)
{
    const struct cached_page *hit = find_cached(paging->root, virt);
    if (hit != NULL) {
        phys->addr = hit->phys.addr + (virt - hit->virt);
        return true;
    }
    struct walk walk = walk_tables(paging->root, virt);
    for (size_t i = 1; i < walk.tables; i++)
        tlb.table[tlb.next_table++ % TABLES_CACHED] = walk.table[i];
    if (!walk.present)
        return false;
    walk_mark_used(paging->root, virt);
    uint64_t inside = virt & (walk.size - 1);
    tlb.page[tlb.next_page++ % PAGES_CACHED] = (struct cached_page){
        .root = paging->root,
        .virt = virt - inside,
        .size = walk.size,
        .phys = {walk.phys.addr - inside},
        .flags = walk.flags,
    };
    *phys = walk.phys;
    return true;
}

/* Compares a cached page with what the tables say now of each address in it. */
static void verify_page(const struct cached_page *page)
{
    uint64_t inside = 0;
    while (inside < page->size) {
        struct walk walk = walk_tables(page->root, page->virt + inside);
        bool same =
            walk.present && walk.flags == page->flags && walk.phys.addr == page->phys.addr + inside;
        if (!same) {
            snprintf(tlb.complaint, sizeof tlb.complaint,
                     "0x%llx is cached as 0x%llx, flags 0x%x; the tables say 0x%llx, flags 0x%x",
                     (unsigned long long)(page->virt + inside),
                     (unsigned long long)(page->phys.addr + inside), page->flags,
                     (unsigned long long)walk.phys.addr, walk.flags);
            return;
        }
        inside += walk.size - ((page->virt + inside) & (walk.size - 1));
    }
}

const char *host_tlb_verify(void)
{
    for (size_t i = 0; i < PAGES_CACHED && tlb.complaint[0] == '\0'; i++)
        if (tlb.page[i].size != 0)
            verify_page(&tlb.page[i]);
    return tlb.complaint[0] == '\0' ? NULL : tlb.complaint;
}

void host_tlb_freed(frame_t frame, unsigned order)
{
    uint64_t start = phys_of_frame(frame).addr;
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    for (size_t i = 0; i < PAGES_CACHED; i++) {
        const struct cached_page *page = &tlb.page[i];
        if (page->size != 0 && page->phys.addr < start + size &&
            start < page->phys.addr + page->size)
            snprintf(tlb.complaint, sizeof tlb.complaint,
                     "frame 0x%llx was freed while 0x%llx was still cached",
                     (unsigned long long)frame.number, (unsigned long long)page->virt);
    }
    for (size_t i = 0; i < TABLES_CACHED; i++)
        if (tlb.table[i].number - frame.number < (uint64_t)1 << order)
            snprintf(tlb.complaint, sizeof tlb.complaint,
                     "table 0x%llx was freed while the way through it was still cached",
                     (unsigned long long)tlb.table[i].number);
}

/* SPDX-License-Identifier: MIT */
/*
 * Page tables, edited by recursive descent: each function takes a node of the tree and the part of
 * the address range that lies below it. What ends is gathered, flushed from the TLB in one go, and
 * only then released.
 */
#include "kernel/mm/paging.h"

#include <machine.h>

#include "kernel/mm/paging_entry.h"
#include "kernel/mm/pmm.h"
#include "kernel/panic.h"
#include "lib/bits.h"
#include "lib/error.h"

/* A table on the path of a descent. */
struct node {
    uint64_t *table;
    uint64_t *parent; /* the entry that points to it and counts its entries; NULL for the root */
    unsigned level;
};

static struct node root_of(const struct paging *paging)
{
    return (struct node){machine_phys_to_virt(paging->root), NULL, PAGING_LEVELS - 1};
}

static uint64_t *slot_of(struct node node, uintptr_t virt)
{
    return &node.table[entry_index(virt, node.level)];
}

/* The node below an entry that points to a table. */
static struct node child_of(struct node node, uint64_t *slot)
{
    return (struct node){entry_table(entry_read(slot)), slot, node.level - 1};
}

/* The part of [virt, virt + size) that lies in one entry at `level`. */
static uint64_t part_in_entry(uintptr_t virt, uint64_t size, unsigned level)
{
    uint64_t rest = paging_span(level) - (virt & (paging_span(level) - 1));
    return rest < size ? rest : size;
}

/* Writes an entry and keeps the count of its table right. */
static void set_entry(struct node node, uint64_t *slot, uint64_t entry)
{
    uint64_t old = entry_read(slot);
    entry_write(slot, entry);
    if (node.parent == NULL || (old == 0) == (entry == 0))
        return;
    uint64_t parent = entry_read(node.parent);
    entry_write(node.parent, entry != 0 ? parent + ENTRY_ONE : parent - ENTRY_ONE);
}

static uint64_t page_entry(phys_t phys, unsigned level, unsigned flags)
{
    uint64_t entry = phys.addr | ENTRY_PAGE | ENTRY_ACCESSED | ENTRY_DIRTY;
    if (flags & PAGE_READ)
        entry |= ENTRY_PRESENT;
    if (flags & PAGE_WRITE)
        entry |= ENTRY_WRITE;
    if (!(flags & PAGE_EXEC) && machine_has_nx())
        entry |= ENTRY_NX;
    if (flags & PAGE_USER)
        entry |= ENTRY_USER;
    if (flags & PAGE_GLOBAL)
        entry |= ENTRY_GLOBAL;
    if (flags & PAGE_UNCACHED)
        entry |= ENTRY_UNCACHED;
    if (flags & PAGE_WRITE_COMBINING)
        entry |= ENTRY_WRITE_COMBINING;
    if (level > 0)
        entry |= ENTRY_LARGE;
    return entry;
}

unsigned paging_entry_flags(uint64_t entry)
{
    unsigned flags = 0;
    if (entry & ENTRY_PRESENT)
        flags |= PAGE_READ;
    if (entry & ENTRY_WRITE)
        flags |= PAGE_WRITE;
    if (!(entry & ENTRY_NX))
        flags |= PAGE_EXEC;
    if (entry & ENTRY_USER)
        flags |= PAGE_USER;
    if (entry & ENTRY_GLOBAL)
        flags |= PAGE_GLOBAL;
    if ((entry & ENTRY_CACHING) == ENTRY_UNCACHED)
        flags |= PAGE_UNCACHED;
    if ((entry & ENTRY_CACHING) == ENTRY_WRITE_COMBINING)
        flags |= PAGE_WRITE_COMBINING;
    return flags;
}

/* Panics unless a range is one that page tables can describe. */
static void check_range(const char *who, uintptr_t virt, uint64_t size)
{
    if (!bits_is_aligned(virt | size, PAGE_SIZE))
        panic("%s: 0x%lx + 0x%lx is not in whole pages", who, virt, size);
    uintptr_t last = virt + size - 1;
    if (size != 0 && (canonical(virt) != virt || canonical(last) != last || last < virt ||
                      (intptr_t)(virt ^ last) < 0))
        panic("%s: 0x%lx + 0x%lx does not lie in one half of the address space", who, virt, size);
}

/* Tables */

static frame_t table_alloc(struct paging *paging)
{
    frame_t frame = pmm_alloc(PMM_TABLES, (struct frame_request){.flags = FRAME_ZERO});
    if (!frame_is_none(frame))
        paging->tables++;
    return frame;
}

static void table_free(struct paging *paging, frame_t frame)
{
    pmm_free(PMM_TABLES, frame, 0);
    paging->tables--;
}

/* An entry that points to a table of `count` entries. Tables allow everything: pages decide. */
static uint64_t table_entry(frame_t frame, uint64_t count, uintptr_t virt)
{
    uint64_t user = (intptr_t)virt >= 0 ? ENTRY_USER : 0;
    return phys_of_frame(frame).addr | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_ACCESSED | user |
           count * ENTRY_ONE;
}

/* Makes sure that a table hangs below `slot`. False if there is no frame for it. */
static bool grow(struct paging *paging, struct node node, uint64_t *slot, uintptr_t virt)
{
    uint64_t entry = entry_read(slot);
    if (entry != 0 && entry_is_page(entry, node.level))
        panic("paging: 0x%lx is mapped already", virt);
    if (entry != 0)
        return true;
    frame_t frame = table_alloc(paging);
    if (frame_is_none(frame))
        return false;
    set_entry(node, slot, table_entry(frame, 0, virt));
    return true;
}

int paging_init(struct paging *paging)
{
    paging->tables = 0;
    frame_t root = table_alloc(paging);
    paging->root = phys_of_frame(root);
    return frame_is_none(root) ? -ENOMEM : 0;
}

/* Gathering: what was unlinked waits here until it has been flushed. */

#define GATHER_MAX 64

struct gather {
    struct paging *paging;
    paging_release *release; /* for the frames of pages; may be NULL */
    struct machine_flush flush;
    unsigned count;
    struct {
        frame_t frame;
        uint8_t level;
        bool is_table;
    } item[GATHER_MAX];
};

/* Flushes what waits, then lets it go. */
static void gather_finish(struct gather *gather)
{
    if (gather->flush.count > 0)
        machine_flush(&gather->flush);
    for (unsigned i = 0; i < gather->count; i++) {
        frame_t frame = gather->item[i].frame;
        if (gather->item[i].is_table)
            table_free(gather->paging, frame);
        else if (gather->release != NULL)
            gather->release(frame, 9 * gather->item[i].level);
    }
    gather->count = gather->flush.count = 0;
    gather->flush.tables = false;
}

/* The page at `virt`, which the TLB may know, has changed or ended. */
static void gather_flush(struct gather *gather, uintptr_t virt)
{
    if (gather->flush.count < MACHINE_FLUSH_MAX)
        gather->flush.page[gather->flush.count] = virt;
    gather->flush.count++;
}

static void gather_add(struct gather *gather, uint64_t entry, unsigned level, bool is_table)
{
    gather->item[gather->count].frame = frame_of_phys(entry_phys(entry));
    gather->item[gather->count].level = (uint8_t)level;
    gather->item[gather->count++].is_table = is_table;
    if (gather->count == GATHER_MAX)
        gather_finish(gather);
}

/* The CPU also caches entries that point to tables; flushing any page drops all of those, so that
 * only a table that goes without any page needs a flush of its own. (Intel SDM vol. 3A, 4.10.4.1.)
 */
static void gather_table(struct gather *gather, uintptr_t virt, uint64_t entry, unsigned level)
{
    if (gather->flush.count == 0)
        gather_flush(gather, virt);
    gather->flush.tables = true;
    gather_add(gather, entry, level, true);
}

static void gather_page(struct gather *gather, uintptr_t virt, uint64_t entry, unsigned level)
{
    if (entry & ENTRY_PRESENT)
        gather_flush(gather, virt);
    gather_add(gather, entry, level, false);
}

/* Unlinks the table below `slot` if it is empty. */
static void prune(struct gather *gather, struct node node, uint64_t *slot, uintptr_t virt)
{
    uint64_t entry = entry_read(slot);
    if (entry_count(entry) != 0)
        return;
    set_entry(node, slot, 0);
    gather_table(gather, virt, entry, node.level);
}

/* Unmapping */

/* Precondition: no page reaches beyond the range. */
static void unmap(struct gather *gather, struct node node, uintptr_t virt, uint64_t size)
{
    uint64_t part;
    for (; size > 0; virt += part, size -= part) {
        part = part_in_entry(virt, size, node.level);
        uint64_t *slot = slot_of(node, virt);
        uint64_t entry = entry_read(slot);
        if (entry == 0)
            continue;
        if (entry_is_page(entry, node.level)) {
            set_entry(node, slot, 0);
            gather_page(gather, virt, entry, node.level);
        } else {
            unmap(gather, child_of(node, slot), virt, part);
            prune(gather, node, slot, virt);
        }
    }
}

/* Splits the large page at `slot` into 512 pages of the next size that map the same. */
static bool split_page(struct paging *paging, struct node node, uint64_t *slot, uintptr_t virt)
{
    frame_t frame = table_alloc(paging);
    if (frame_is_none(frame))
        return false;
    uint64_t entry = entry_read(slot);
    uint64_t first = node.level == 1 ? entry & ~ENTRY_LARGE : entry;
    uint64_t *table = machine_phys_to_virt(phys_of_frame(frame));
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        entry_write(&table[i], first + i * paging_span(node.level - 1));
    entry_write(slot, table_entry(frame, TABLE_ENTRIES, virt));
    if (entry & ENTRY_PRESENT)
        machine_flush(&(struct machine_flush){.count = 1, .page = {virt}});
    return true;
}

/* Splits large pages until one begins at `virt`, if any page is there. */
static int split_at(struct paging *paging, uintptr_t virt)
{
    struct node node = root_of(paging);
    for (;;) {
        uint64_t *slot = slot_of(node, virt);
        uint64_t entry = entry_read(slot);
        if (entry == 0 || bits_is_aligned(virt, paging_span(node.level)))
            return 0;
        if (entry_is_page(entry, node.level) && !split_page(paging, node, slot, virt))
            return -ENOMEM;
        node = child_of(node, slot);
    }
}

static int split_ends(struct paging *paging, uintptr_t virt, uint64_t size)
{
    int error = split_at(paging, virt);
    return error != 0 ? error : split_at(paging, virt + size);
}

/* Gives the pages in the range new flags. */
static void protect(struct gather *gather, struct node node, uintptr_t virt, uint64_t size,
                    unsigned flags)
{
    uint64_t part;
    for (; size > 0; virt += part, size -= part) {
        part = part_in_entry(virt, size, node.level);
        uint64_t *slot = slot_of(node, virt);
        uint64_t entry = entry_read(slot);
        if (entry == 0)
            continue;
        if (!entry_is_page(entry, node.level)) {
            protect(gather, child_of(node, slot), virt, part, flags);
            continue;
        }
        uint64_t changed = page_entry(entry_phys(entry), node.level, flags);
        if (changed == entry)
            continue;
        entry_write(slot, changed);
        if (entry & ENTRY_PRESENT)
            gather_flush(gather, virt);
    }
}

int paging_unmap(struct paging *paging, uintptr_t virt, uint64_t size, paging_release *release)
{
    check_range("paging_unmap", virt, size);
    if (size == 0)
        return 0;
    int error = split_ends(paging, virt, size);
    if (error != 0)
        return error;
    struct gather gather = {.paging = paging, .release = release};
    /* What does not fit one gathering ends as a whole first, so that one flush does for all of it.
     */
    if (size > GATHER_MAX * PAGE_SIZE)
        protect(&gather, root_of(paging), virt, size, 0);
    unmap(&gather, root_of(paging), virt, size);
    gather_finish(&gather);
    return 0;
}

/* Mapping */

/* True iff a page at `level` can stand in the place of `entry`; a table, even if it is empty, is
 * there because somebody pinned it. */
static bool page_fits(uint64_t entry, uint64_t part, phys_t phys, unsigned level)
{
    return part == paging_span(level) && bits_is_aligned(phys.addr, part) &&
           (level < 2 || (level == 2 && machine_has_gib_pages())) &&
           (entry == 0 || entry_is_page(entry, level));
}

/* Returns how many bytes it mapped: all, or up to the place where a table was missing. */
static uint64_t map(struct paging *paging, struct node node, uintptr_t virt, phys_t phys,
                    uint64_t size, unsigned flags)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t part = part_in_entry(virt + done, size - done, node.level);
        phys_t at = {phys.addr + done};
        uint64_t *slot = slot_of(node, virt + done);
        if (page_fits(entry_read(slot), part, at, node.level)) {
            if (entry_read(slot) != 0)
                panic("paging_map: 0x%lx is mapped already", virt + done);
            set_entry(node, slot, page_entry(at, node.level, flags));
            done += part;
            continue;
        }
        if (!grow(paging, node, slot, virt + done))
            return done;
        uint64_t below = map(paging, child_of(node, slot), virt + done, at, part, flags);
        done += below;
        if (below < part)
            return done;
    }
    return done;
}

/* Ends what was mapped before a table was missing. One page more: the tables that were made for it
 * are empty and go, too. */
static __attribute__((noinline)) int undo(struct paging *paging, uintptr_t virt, uint64_t done)
{
    struct gather gather = {.paging = paging};
    unmap(&gather, root_of(paging), virt, done + PAGE_SIZE);
    gather_finish(&gather);
    return -ENOMEM;
}

int paging_map(struct paging *paging, uintptr_t virt, phys_t phys, uint64_t size, unsigned flags)
{
    check_range("paging_map", virt, size);
    if (!bits_is_aligned(phys.addr, PAGE_SIZE))
        panic("paging_map: physical address 0x%lx is not page aligned", phys.addr);
    uint64_t done = map(paging, root_of(paging), virt, phys, size, flags);
    return done == size ? 0 : undo(paging, virt, done);
}

/* The table at level 0 for `virt`; without one if there is no frame for it. */
static struct node grow_path(struct paging *paging, uintptr_t virt)
{
    struct node node = root_of(paging);
    while (node.level > 0) {
        uint64_t *slot = slot_of(node, virt);
        if (!grow(paging, node, slot, virt))
            return (struct node){0};
        node = child_of(node, slot);
    }
    return node;
}

/* Maps frames as far as the table goes; returns how many. */
static size_t fill(struct node node, uintptr_t virt, const frame_t *frames, size_t count,
                   unsigned flags)
{
    uint64_t *slot = slot_of(node, virt);
    size_t here = bits_min(count, TABLE_ENTRIES - entry_index(virt, 0));
    uint64_t entry = page_entry((phys_t){0}, 0, flags);
    for (size_t i = 0; i < here; i++) {
        if (entry_read(&slot[i]) != 0)
            panic("paging_map_frames: 0x%lx is mapped already", virt + i * PAGE_SIZE);
        entry_write(&slot[i], entry | phys_of_frame(frames[i]).addr);
    }
    entry_write(node.parent, entry_read(node.parent) + here * ENTRY_ONE);
    return here;
}

int paging_map_frames(struct paging *paging, uintptr_t virt, const frame_t *frames, size_t count,
                      unsigned flags)
{
    check_range("paging_map_frames", virt, count * PAGE_SIZE);
    for (size_t done = 0; done < count;) {
        uintptr_t at = virt + done * PAGE_SIZE;
        struct node node = grow_path(paging, at);
        if (node.table == NULL)
            return undo(paging, virt, done * PAGE_SIZE);
        done += fill(node, at, frames + done, count - done, flags);
    }
    return 0;
}

/* Protecting */

int paging_protect(struct paging *paging, uintptr_t virt, uint64_t size, unsigned flags)
{
    check_range("paging_protect", virt, size);
    if (size == 0)
        return 0;
    int error = split_ends(paging, virt, size);
    if (error != 0)
        return error;
    struct gather gather = {.paging = paging};
    protect(&gather, root_of(paging), virt, size, flags);
    gather_finish(&gather);
    return 0;
}

/* Pinning: a pin is one more in the count of a level 0 table. */

/* The count must not run over into the no-execute bit. */
static void add_pin(uint64_t *slot, uintptr_t virt)
{
    uint64_t entry = entry_read(slot);
    if ((entry & ENTRY_COUNT) == ENTRY_COUNT)
        panic("paging_pin: the table for 0x%lx is pinned too often", virt);
    entry_write(slot, entry + ENTRY_ONE);
}

/* Returns how many bytes it pinned: all, or up to the place where a table was missing. */
static uint64_t pin(struct paging *paging, struct node node, uintptr_t virt, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t part = part_in_entry(virt + done, size - done, node.level);
        uint64_t *slot = slot_of(node, virt + done);
        if (!grow(paging, node, slot, virt + done))
            return done;
        uint64_t below = part;
        if (node.level == 1)
            add_pin(slot, virt + done);
        else
            below = pin(paging, child_of(node, slot), virt + done, part);
        done += below;
        if (below < part)
            return done;
    }
    return done;
}

/* Drops the pins on [virt, virt + size) and the tables that nothing keeps then. */
static void unpin(struct gather *gather, struct node node, uintptr_t virt, uint64_t size)
{
    uint64_t part;
    for (; size > 0; virt += part, size -= part) {
        part = part_in_entry(virt, size, node.level);
        uint64_t *slot = slot_of(node, virt);
        if (node.level == 1)
            entry_write(slot, entry_read(slot) - ENTRY_ONE);
        else
            unpin(gather, child_of(node, slot), virt, part);
        prune(gather, node, slot, virt);
    }
}

/* Ends what was pinned before a table was missing. Apart, so that its gathering does not take up
 * stack below pin(). */
static __attribute__((noinline)) int undo_pins(struct paging *paging, uintptr_t virt, uint64_t done)
{
    struct gather gather = {.paging = paging};
    unpin(&gather, root_of(paging), virt, done);
    /* The tables above the missing one are empty and go, too. */
    unmap(&gather, root_of(paging), virt + done, PAGE_SIZE);
    gather_finish(&gather);
    return -ENOMEM;
}

int paging_pin(struct paging *paging, uintptr_t virt, uint64_t size)
{
    check_range("paging_pin", virt, size);
    uint64_t done = pin(paging, root_of(paging), virt, size);
    return done == size ? 0 : undo_pins(paging, virt, done);
}

void paging_unpin(struct paging *paging, uintptr_t virt, uint64_t size)
{
    check_range("paging_unpin", virt, size);
    struct gather gather = {.paging = paging};
    unpin(&gather, root_of(paging), virt, size);
    gather_finish(&gather);
}

/* Looking */

size_t paging_walk(const struct paging *paging, uintptr_t virt,
                   struct paging_step steps[PAGING_LEVELS])
{
    struct node node = root_of(paging);
    for (size_t count = 0;; node = child_of(node, slot_of(node, virt))) {
        uint64_t entry = entry_read(slot_of(node, virt));
        steps[count++] = (struct paging_step){node.level, entry_index(virt, node.level), entry};
        if (entry == 0 || entry_is_page(entry, node.level))
            return count;
    }
}

bool paging_find(const struct paging *paging, uintptr_t virt, struct page *page)
{
    if (canonical(virt) != virt)
        return false;
    struct paging_step steps[PAGING_LEVELS];
    struct paging_step last = steps[paging_walk(paging, virt, steps) - 1];
    if (last.entry == 0)
        return false;
    *page = (struct page){bits_round_down(virt, paging_span(last.level)), entry_phys(last.entry),
                          last.level, paging_entry_flags(last.entry)};
    return true;
}

bool paging_translate(const struct paging *paging, uintptr_t virt, phys_t *phys)
{
    struct page page;
    if (!paging_find(paging, virt, &page) || !(page.flags & PAGE_READ))
        return false;
    *phys = (phys_t){page.phys.addr + (virt - page.virt)};
    return true;
}

static uint64_t count(struct node node, uintptr_t virt, uint64_t size)
{
    uint64_t pages = 0, part;
    for (; size > 0; virt += part, size -= part) {
        part = part_in_entry(virt, size, node.level);
        uint64_t *slot = slot_of(node, virt);
        uint64_t entry = entry_read(slot);
        if (entry == 0)
            continue;
        pages += entry_is_page(entry, node.level) ? part >> PAGE_SHIFT
                                                  : count(child_of(node, slot), virt, part);
    }
    return pages;
}

uint64_t paging_count(const struct paging *paging, uintptr_t virt, uint64_t size)
{
    check_range("paging_count", virt, size);
    return count(root_of(paging), virt, size);
}

static void visit_node(struct node node, uintptr_t virt, paging_visitor *visit, void *context)
{
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        uint64_t *slot = &node.table[i];
        uint64_t entry = entry_read(slot);
        uintptr_t at = canonical(virt + i * paging_span(node.level));
        if (entry == 0)
            continue;
        if (!entry_is_page(entry, node.level)) {
            visit_node(child_of(node, slot), at, visit, context);
            continue;
        }
        struct page page = {at, entry_phys(entry), node.level, paging_entry_flags(entry)};
        visit(context, &page);
    }
}

void paging_visit(const struct paging *paging, paging_visitor *visit, void *context)
{
    visit_node(root_of(paging), 0, visit, context);
}

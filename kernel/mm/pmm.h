/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: lib/alloc/frame over the memory map, with every frame of RAM accounted for.
 * Lives two lives. At first it serves single frames from one range below 4 GiB, enough to build the
 * page tables; once all RAM is mapped, pmm_init() hands over to the frame allocator.
 */
#pragma once

#include <machine.h>

#include <stdbool.h>

#include "kernel/mm/memmap.h"
#include "lib/addr.h"
#include "lib/alloc/frame.h"

/* What a frame is used for; the caller says so when taking it and again when giving it back. */
enum pmm_use { PMM_KERNEL, PMM_TABLES, PMM_HEAP, PMM_USES };

/* Takes note of the map, which must stay valid, and begins the first life: single frames from the
 * largest usable range below BOOT_MAPPED. Returns 0, or -ENOMEM if there is no usable frame. */
int pmm_start(const struct memmap *map);

/* Begins the second life. Precondition: all RAM below MEMLAYOUT_RAM_END is in the direct map.
 * Returns 0, or -ENOMEM if the metadata fits nowhere. */
int pmm_init(void);

/* Adds all memory of `kind` (BOOT_LOADER, BOOT_ACPI) once nobody needs it any more. */
void pmm_reclaim(enum boot_memory kind);

/* A block of frames, or FRAME_NONE. In the first life the order is 0 and `below` is not set. */
static inline frame_t pmm_alloc(enum pmm_use use, struct frame_request request);

/* Gives back a block of pmm_alloc; panics on misuse as frame_free does. In the first life only
 * the frame taken last comes back, any other is lost. */
static inline void pmm_free(enum pmm_use use, frame_t frame, unsigned order);

/* From now on this CPU may use the reserve, small as it is, whenever there is nothing else; or not.
 * Returns whether it might before. For those who cannot wait, and free soon. */
bool pmm_use_reserve(bool may);

/* Takes up to `count` blocks at once, and gives back as many; returns how many were taken: fewer if
 * memory ran out. In the second life. */
size_t pmm_alloc_bulk(enum pmm_use use, struct frame_request request, frame_t *blocks,
                      size_t count);
void pmm_free_bulk(enum pmm_use use, const frame_t *blocks, size_t count, unsigned order);

/* Which memory is near which CPU: see frame_set_nodes() and frame_set_cpu_node(). */
void pmm_set_nodes(const struct frame_node *nodes, size_t count, const uint8_t *distance);
void pmm_set_cpu_node(unsigned number, unsigned node);

/* Has every CPU put back the frames that it keeps at hand. */
void pmm_drain(void);

/* A stack of frames, linked through their own first words: all or nothing bought beforehand, so
 * that what follows cannot fail. */
struct pmm_purse {
    enum pmm_use use;
    frame_t top; /* FRAME_NONE when empty */
    size_t count;
};

/* Fills a purse with `count` frames, all zero. Returns 0, or -ENOMEM with nothing taken. */
int pmm_purse_fill(struct pmm_purse *purse, enum pmm_use use, size_t count);

/* Takes out one frame, all zero. Precondition: count > 0. */
frame_t pmm_purse_take(struct pmm_purse *purse);

/* Gives back what is left. */
void pmm_purse_empty(struct pmm_purse *purse);

/* Where the RAM is, in frames. The parts add up: free + kernel + tables + heap + firmware +
 * reserved == ram. */
struct pmm_account {
    uint64_t ram;
    uint64_t free;
    uint64_t kernel;   /* image, initrd, frame metadata, PMM_KERNEL */
    uint64_t tables;   /* page tables */
    uint64_t heap;     /* behind ksbrk and kmmap */
    uint64_t firmware; /* runtime services, ACPI, the loader's until reclaimed */
    uint64_t reserved; /* frame 0, and RAM beyond the direct map */
};

struct pmm_account pmm_account(void);

/* For statistics; NULL in the first life. */
const struct frames *pmm_frames(void);

/* Verifies the frame allocator and that the account adds up; see frame_check(). */
size_t pmm_check(check_report *report);

/* What the two that are called most need; private to pmm, public only for inlining. */

extern struct pmm {
    bool grown_up; /* the second life has begun */
    struct frames frames;
    struct pmm_book {           /* of a CPU */
        int64_t used[PMM_USES]; /* frames taken less frames given back: may well be negative */
        bool may_use_reserve;
    } __attribute__((aligned(64))) books[FRAME_CPUS];
} pmm;

frame_t pmm_early_alloc(struct frame_request request);
frame_t pmm_alloc_from_reserve(struct frame_request request);
bool pmm_early_free(frame_t frame);

/* Books frames that went out, or came back if `count` is negative. */
static inline void pmm_book(enum pmm_use use, int64_t count)
{
    machine_add(&pmm.books[frame_home_cpu()].used[use], count);
}

/* Clears the block itself: here order and flags are mostly constants. */
static inline frame_t pmm_alloc(enum pmm_use use, struct frame_request request)
{
    bool zero = (request.flags & FRAME_ZERO) != 0;
    request.flags &= (uint8_t)~FRAME_ZERO;
    frame_t frame = pmm.grown_up ? frame_alloc(&pmm.frames, request) : pmm_early_alloc(request);
    if (frame_is_none(frame))
        frame = pmm_alloc_from_reserve(request);
    if (frame_is_none(frame))
        return frame;
    pmm_book(use, (int64_t)1 << request.order);
    if (zero)
        machine_clear(machine_phys_to_virt(phys_of_frame(frame)), PAGE_SIZE << request.order);
    return frame;
}

static inline void pmm_free(enum pmm_use use, frame_t frame, unsigned order)
{
    if (pmm.grown_up)
        frame_free(&pmm.frames, frame, order);
    else if (!pmm_early_free(frame))
        return;
    pmm_book(use, -((int64_t)1 << order));
}

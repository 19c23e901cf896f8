/* SPDX-License-Identifier: MIT */
/*
 * An address space under test, and beside it a model of a window of it that knows nothing but
 * pages: is it mapped, what may be done there, has it a frame, what is written on it. Tests do to
 * the model what they did to the space and then compare.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/mm/aspace.h"
#include "kernel/mm/pmm.h"

#define MODEL_PAGES 192

struct model_page {
    bool mapped;
    bool backed; /* has a frame */
    unsigned flags;
    uint64_t stamp; /* first and last word of the frame; all others are 0 */
};

/* Pages of the window are numbered from 0. */
struct model {
    struct paging paging;
    struct aspace space;
    struct pmm_account before; /* with the space empty */
    uintptr_t window;
    struct model_page page[MODEL_PAGES];
};

/* Starts a machine with an empty space over [start, end), the model looking at `window` in it. */
void model_start(struct model *model, uintptr_t start, uintptr_t end, uintptr_t window);

/* Unmaps everything. NULL, or what did not come back. */
const char *model_stop(struct model *model);

/* The teardown of a test: fails unless all comes back. Precondition: *state is the model. */
int model_end(void **state);

static inline uintptr_t model_address(const struct model *model, size_t page)
{
    return model->window + page * PAGE_SIZE;
}

/* What aspace_map, aspace_unmap and aspace_protect should have done to pages [first, end). The last
 * returns what aspace_protect should. */
void model_map(struct model *model, size_t first, size_t end, unsigned flags);
void model_unmap(struct model *model, size_t first, size_t end);
int model_protect(struct model *model, size_t first, size_t end, unsigned flags);

/* Writes a stamp on a page, and on its frame as if through it; nothing if it may not be written. */
void model_write(struct model *model, size_t page, uint64_t stamp);

/* Lets the CPU cache the page. */
void model_touch(const struct model *model, size_t page);

/* NULL, or how the space, its page tables, its frames or the TLB differ from the model.
 * Precondition: nothing is mapped outside the window. */
const char *model_difference(const struct model *model);

/* The same for flushes since host_flushes was last zero: a page that `before` knew and that may be
 * used otherwise now was flushed by a page flush or a full one, not both; nothing else was. */
const char *model_flush_difference(const struct model *before, const struct model *after);

/* Fails the test unless there is no difference; `after` says what was done. */
void model_compare(const struct model *model, const char *after);

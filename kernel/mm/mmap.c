/* SPDX-License-Identifier: MIT */
/* The kernel's mmap family: the checks, in the order in which Linux makes them; aspace does the
 * rest. */
#include "kernel/mm/mmap.h"

#include "kernel/memlayout.h"
#include "kernel/mm/aspace.h"
#include "lib/bits.h"
#include "lib/error.h"

#define WINDOW_START MEMLAYOUT_MMAP_START
#define WINDOW_END   MEMLAYOUT_MMAP_END

static struct aspace *space;

void mmap_init(struct aspace *kernel_space)
{
    space = kernel_space;
}

/* x86 pages that can be written or executed can be read. */
static unsigned page_flags(unsigned prot)
{
    unsigned flags = 0;
    if (prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
        flags = PAGE_READ | PAGE_GLOBAL;
    if (prot & PROT_WRITE)
        flags |= PAGE_WRITE;
    if (prot & PROT_EXEC)
        flags |= PAGE_EXEC;
    return flags;
}

/* No kernel page is ever both writable and executable. */
static bool breaks_w_xor_x(unsigned prot)
{
    return (prot & PROT_WRITE) && (prot & PROT_EXEC);
}

/* True iff [start, start + length) lies in the window. */
static bool in_window(uintptr_t start, size_t length)
{
    return start >= WINDOW_START && start <= WINDOW_END && length <= WINDOW_END - start;
}

/* Where a mapping that is not fixed goes: the hint if there is room, else the lowest gap, else 0.
 */
static uintptr_t choose(uintptr_t hint, size_t length)
{
    uintptr_t start = bits_round_down(hint, PAGE_SIZE);
    if (in_window(start, length) && !aspace_overlaps(space, start, start + length))
        return start;
    return aspace_find_gap(space, WINDOW_START, WINDOW_END, length);
}

static intptr_t map(uintptr_t hint, size_t length, unsigned prot, unsigned flags)
{
    bool noreplace = flags & MAP_FIXED_NOREPLACE, fixed = noreplace || flags & MAP_FIXED;
    unsigned sharing = flags & (MAP_SHARED | MAP_PRIVATE);
    uintptr_t start = hint;

    if (!(flags & MAP_ANONYMOUS))
        return -EBADF;
    if (length == 0)
        return -EINVAL;
    length = bits_round_up(length, PAGE_SIZE);
    if (length == 0 || length > WINDOW_END - WINDOW_START)
        return -ENOMEM;
    if (!fixed)
        start = choose(hint, length);
    if (!in_window(start, length))
        return -ENOMEM;
    if (!bits_is_aligned(start, PAGE_SIZE))
        return -EINVAL;
    if (noreplace && aspace_overlaps(space, start, start + length))
        return -EEXIST;
    if (sharing != MAP_SHARED && sharing != MAP_PRIVATE)
        return -EINVAL;
    if (breaks_w_xor_x(prot))
        return -EINVAL;

    int error = aspace_map(space, start, start + length, page_flags(prot));
    return error != 0 ? error : (intptr_t)start;
}

intptr_t kmmap(uintptr_t hint, size_t length, unsigned prot, unsigned flags)
{
    bool were_on = lock_take_irq(&aspace_lock);
    intptr_t result = map(hint, length, prot, flags);
    lock_release_irq(&aspace_lock, were_on);
    return result;
}

static int unmap(uintptr_t start, size_t length)
{
    if (!bits_is_aligned(start, PAGE_SIZE) || !in_window(start, length))
        return -EINVAL;
    length = bits_round_up(length, PAGE_SIZE);
    if (length == 0)
        return -EINVAL;
    return aspace_unmap(space, start, start + length);
}

int kmunmap(uintptr_t start, size_t length)
{
    bool were_on = lock_take_irq(&aspace_lock);
    int result = unmap(start, length);
    lock_release_irq(&aspace_lock, were_on);
    return result;
}

static int protect(uintptr_t start, size_t length, unsigned prot)
{
    if (!bits_is_aligned(start, PAGE_SIZE))
        return -EINVAL;
    if (length == 0)
        return 0;
    length = bits_round_up(length, PAGE_SIZE);
    if (length == 0)
        return -ENOMEM;
    if ((prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)) || breaks_w_xor_x(prot))
        return -EINVAL;
    if (!in_window(start, length))
        return -ENOMEM;
    return aspace_protect(space, start, start + length, page_flags(prot));
}

int kmprotect(uintptr_t start, size_t length, unsigned prot)
{
    bool were_on = lock_take_irq(&aspace_lock);
    int result = protect(start, length, prot);
    lock_release_irq(&aspace_lock, were_on);
    return result;
}

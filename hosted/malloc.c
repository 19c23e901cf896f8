/* SPDX-License-Identifier: MIT */
/*
 * The malloc family, as C23, POSIX and the GNU C library have it: takes sizes from anyone, turns
 * what is absurd into ENOMEM or EINVAL, and leaves the rest to the calling thread's heap.
 *
 * Choices where the standards leave one are the GNU C library's, which programs are written for:
 * malloc(0) gives a block of its own, realloc(p, 0) frees p and gives NULL.
 */
#include <errno.h>
#include <stdint.h>

#include "hosted/hosted.h"
#include "lib/bits.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *block, size_t size);
EXPORT void *reallocarray(void *block, size_t count, size_t size);
EXPORT void free(void *block);
EXPORT void free_sized(void *block, size_t size);
EXPORT void free_aligned_sized(void *block, size_t align, size_t size);
EXPORT void *aligned_alloc(size_t align, size_t size);
EXPORT void *memalign(size_t align, size_t size);
EXPORT int posix_memalign(void **result, size_t align, size_t size);
EXPORT void *valloc(size_t size);
EXPORT void *pvalloc(size_t size);
EXPORT size_t malloc_usable_size(void *block);
EXPORT int malloc_trim(size_t pad);

static __attribute__((noinline, cold)) void *fail(int error)
{
    errno = error;
    return NULL;
}

static inline void *or_no_memory(void *block)
{
    return block != NULL ? block : fail(ENOMEM);
}

void *malloc(size_t size)
{
    return or_no_memory(heap_alloc(hosted_heap, size));
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return fail(ENOMEM);
    return or_no_memory(heap_alloc_zeroed(hosted_heap, bytes));
}

void *realloc(void *block, size_t size)
{
    if (size == 0 && block != NULL) {
        heap_free(hosted_heap, block);
        return NULL;
    }
    return or_no_memory(heap_realloc(hosted_heap, block, size));
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return fail(ENOMEM);
    return realloc(block, bytes);
}

void free(void *block)
{
    heap_free(hosted_heap, block);
}

void free_sized(void *block, size_t size)
{
    heap_free_sized(hosted_heap, block, size);
}

void free_aligned_sized(void *block, size_t align, size_t size)
{
    (void)align;
    heap_free_sized(hosted_heap, block, size);
}

/* An alignment that is no power of two is EINVAL, as in C17 and later; the size may be any. */
void *aligned_alloc(size_t align, size_t size)
{
    if (!bits_is_power_of_two(align))
        return fail(EINVAL);
    return or_no_memory(heap_alloc_aligned(hosted_heap, size, align));
}

/* Of the GNU C library, which takes the next power of two for an alignment that is none. */
void *memalign(size_t align, size_t size)
{
    if (align > SIZE_MAX / 2 + 1)
        return fail(EINVAL);
    return aligned_alloc((size_t)1 << bits_log2_up(bits_max(align, 1)), size);
}

int posix_memalign(void **result, size_t align, size_t size)
{
    if (!bits_is_power_of_two(align) || align % sizeof(void *) != 0)
        return EINVAL;
    void *block = heap_alloc_aligned(hosted_heap, size, align);
    if (block == NULL)
        return ENOMEM;
    *result = block;
    return 0;
}

void *valloc(size_t size)
{
    return aligned_alloc(HEAP_PAGE, size);
}

/* Whole pages. */
void *pvalloc(size_t size)
{
    if (size > PTRDIFF_MAX)
        return fail(ENOMEM);
    return aligned_alloc(HEAP_PAGE, bits_round_up(size, HEAP_PAGE));
}

size_t malloc_usable_size(void *block)
{
    return block == NULL ? 0 : heap_size(&hosted_world, block);
}

/* The world is given back what no thread uses; `pad`, what to keep, is not heeded. */
int malloc_trim(size_t pad)
{
    (void)pad;
    return hosted_heap->world != NULL && heap_trim(hosted_heap) > 0;
}

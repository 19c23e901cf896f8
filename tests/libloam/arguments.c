/* SPDX-License-Identifier: MIT */
/* What C23, POSIX and the GNU C library say about arguments at the edge. */
#include "tests/libloam/corner.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

static const size_t absurd[] = {SIZE_MAX,
                                SIZE_MAX - 1,
                                SIZE_MAX - 15,
                                SIZE_MAX - PAGE,
                                (size_t)PTRDIFF_MAX + 1,
                                PTRDIFF_MAX,
                                SIZE_MAX / 2 - (1 << 16)};
#define ABSURD (sizeof absurd / sizeof *absurd)

static const size_t usual[] = {0,       1,      8,       24,      100,     1000,
                               1024,    4000,   4096,    10000,   32768,   32769,
                               1 << 16, 100000, 1 << 20, 3 << 20, 5 << 20, 40 << 20};
#define USUAL (sizeof usual / sizeof *usual)

static bool is_aligned(const void *block, size_t align)
{
    return (uintptr_t)block % align == 0;
}

static void malloc_of_0_gives_a_block_of_its_own(void)
{
    void *a = malloc(opaque(0)), *b = malloc(opaque(0)), *c = calloc(0, 8), *d = calloc(8, 0);
    require(a != NULL && b != NULL && c != NULL && d != NULL);
    require(a != b && a != c && a != d && b != c && b != d && c != d);
    free(a), free(b), free(c), free(d);
}

static void absurd_sizes_fail_with_enomem(void)
{
    for (size_t i = 0; i < ABSURD; i++) {
        size_t size = opaque(absurd[i]);
        errno = 0;
        require(malloc(size) == NULL && errno == ENOMEM);
        errno = 0;
        require(calloc(1, size) == NULL && errno == ENOMEM);
        errno = 0;
        require(realloc(NULL, size) == NULL && errno == ENOMEM);
        errno = 0;
        require(aligned_alloc(64, size) == NULL && errno == ENOMEM);
        errno = 0;
        require(memalign(1 << 20, size) == NULL && errno == ENOMEM);
        errno = 0;
        require(valloc(size) == NULL && errno == ENOMEM);
        errno = 0;
        require(pvalloc(size) == NULL && errno == ENOMEM);
    }
}

static void calloc_that_overflows_fails(void)
{
    static const size_t pairs[][2] = {{SIZE_MAX, 2},         {2, SIZE_MAX},
                                      {SIZE_MAX / 2 + 1, 2}, {(size_t)1 << 32, (size_t)1 << 32},
                                      {SIZE_MAX, SIZE_MAX},  {SIZE_MAX / 16 + 2, 16}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        errno = 0;
        require(calloc(opaque(pairs[i][0]), opaque(pairs[i][1])) == NULL && errno == ENOMEM);
    }
}

static void reallocarray_that_overflows_keeps_the_block(void)
{
    char *block = malloc(100);
    corner_fill(block, 100, 5);
    errno = 0;
    require(reallocarray(opaque_pointer(block), opaque(SIZE_MAX / 8), 16) == NULL);
    require(errno == ENOMEM && corner_is_filled(block, 100, 5));
    block = reallocarray(block, 50, 20);
    require(block != NULL && corner_is_filled(block, 100, 5));
    free(block);
}

static void realloc_that_fails_keeps_the_block(void)
{
    for (size_t i = 0; i < USUAL; i++) {
        size_t size = usual[i];
        void *block = malloc(size);
        corner_fill(block, size, 7);
        for (size_t j = 0; j < ABSURD; j++) {
            errno = 0;
            require(realloc(opaque_pointer(block), opaque(absurd[j])) == NULL && errno == ENOMEM);
            require(corner_is_filled(block, size, 7));
        }
        free(opaque_pointer(block));
    }
}

/* As in the GNU C library, which programs are written for. */
static void realloc_to_0_frees(void)
{
    for (size_t i = 0; i < USUAL; i++) {
        require(realloc(malloc(usual[i]), opaque(0)) == NULL);
        require(reallocarray(malloc(usual[i]), opaque(0), 100) == NULL);
    }
    for (int i = 0; i < 2000; i++)
        require(realloc(malloc(1 << 20), opaque(0)) == NULL);
    require(corner_resident() < (size_t)300 << 20);
    void *block = realloc(NULL, opaque(0));
    require(block != NULL);
    free(block);
}

static void realloc_keeps_contents_up_and_down(void)
{
    for (size_t i = 0; i < USUAL; i++) {
        for (size_t j = 0; j < USUAL; j++) {
            size_t kept = usual[i] < usual[j] ? usual[i] : usual[j];
            char *block = malloc(usual[i]);
            require(block != NULL);
            corner_fill(block, usual[i], 3);
            block = usual[j] > 0 ? realloc(block, usual[j]) : block;
            require(block != NULL && corner_is_filled(block, kept, 3));
            memset(block, 1, usual[j]);
            free(block);
        }
    }
}

static void bad_alignments_are_einval(void)
{
    static const size_t bad[] = {0, 3, 5, 24, 48, 100, SIZE_MAX, ((size_t)1 << 63) + 8};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t align = opaque(bad[i]);
        errno = 0;
        require(aligned_alloc(align, 64) == NULL && errno == EINVAL);
        void *untouched = &errno;
        errno = 0;
        require(posix_memalign(&untouched, align, 64) == EINVAL);
        require(untouched == &errno && errno == 0);
    }
    errno = 0;
    require(memalign(opaque(SIZE_MAX / 2 + 2), 64) == NULL && errno == EINVAL);
    void *untouched = &errno;
    require(posix_memalign(&untouched, opaque(4), 64) == EINVAL && untouched == &errno);
    require(posix_memalign(&untouched, opaque(1), 64) == EINVAL && untouched == &errno);
    errno = 0;
    require(posix_memalign(&untouched, 64, opaque(SIZE_MAX)) == ENOMEM);
    require(untouched == &errno && errno == 0);
}

static void alignments_hold_up_to_64_mib(void)
{
    for (size_t align = 1; align <= (size_t)64 << 20; align *= 2) {
        for (size_t i = 0; i < USUAL; i++) {
            char *block = aligned_alloc(opaque(align), usual[i]);
            require(block != NULL && is_aligned(block, align) && is_aligned(block, 16));
            require(malloc_usable_size(block) >= usual[i]);
            corner_fill(block, usual[i], 1);
            void *other;
            require(align < 8 || posix_memalign(&other, align, usual[i]) == 0);
            require(align < 8 || (is_aligned(other, align) && other != block));
            free(align < 8 ? NULL : other);
            free(block);
        }
    }
}

static void huge_alignments_fail_or_hold(void)
{
    for (unsigned power = 27; power < 64; power++) {
        size_t align = opaque((size_t)1 << power);
        errno = 0;
        void *block = aligned_alloc(align, 100);
        require(block != NULL ? is_aligned(block, align) : errno == ENOMEM);
        free(block);
    }
}

/* As in the GNU C library. */
static void memalign_rounds_alignments_up(void)
{
    static const size_t odd[][2] = {{0, 1}, {1, 1}, {3, 4}, {24, 32}, {48, 64}, {5000, 8192}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        void *block = memalign(opaque(odd[i][0]), 100);
        require(block != NULL && is_aligned(block, odd[i][1]));
        free(block);
    }
}

static void every_block_is_aligned_to_16(void)
{
    for (size_t size = 0; size < 5000; size++) {
        char *block = malloc(size), *zeroed = calloc(1, size);
        require(is_aligned(block, 16) && is_aligned(zeroed, 16));
        free(block), free(zeroed);
    }
}

static void valloc_and_pvalloc_give_pages(void)
{
    for (size_t i = 0; i < USUAL; i++) {
        char *a = valloc(usual[i]), *b = pvalloc(usual[i]);
        require(is_aligned(a, PAGE) && is_aligned(b, PAGE));
        require(malloc_usable_size(b) >= (usual[i] + PAGE - 1) / PAGE * PAGE);
        free(a), free(b);
    }
}

static void usable_size_is_usable(void)
{
    require(malloc_usable_size(NULL) == 0);
    for (size_t i = 0; i < USUAL; i++) {
        char *block = malloc(usual[i]), *behind = malloc(usual[i]);
        size_t usable = malloc_usable_size(block);
        require(usable >= usual[i]);
        corner_fill(behind, usual[i], 1);
        corner_fill(opaque_pointer(block), usable, 2);
        require(corner_is_filled(behind, usual[i], 1) && malloc_usable_size(block) == usable);
        free(block), free(behind);
    }
}

static void calloc_clears_what_was_used(void)
{
    for (size_t i = 0; i < USUAL; i++) {
        for (int round = 0; round < 4; round++) {
            char *block = calloc(1, usual[i]);
            require(block != NULL);
            size_t usable = malloc_usable_size(block);
            for (size_t at = 0; at < usual[i]; at++)
                require(block[at] == 0);
            memset(opaque_pointer(block), 0xff, usable);
            free(block);
        }
    }
}

static void free_keeps_errno(void)
{
    free(NULL);
    for (size_t i = 0; i < USUAL; i++) {
        void *block = malloc(usual[i]);
        errno = 4711;
        free(block);
        require(errno == 4711);
    }
}

static void sized_frees_free(void)
{
    require(free_sized != NULL && free_aligned_sized != NULL);
    for (size_t i = 0; i < USUAL; i++) {
        free_sized(malloc(usual[i]), usual[i]);
        free_sized(calloc(1, usual[i]), usual[i]);
        free_aligned_sized(aligned_alloc(256, usual[i]), 256, usual[i]);
    }
    free_sized(NULL, 7);
    free_aligned_sized(NULL, 64, 128);
}

const struct corner corner_arguments[] = {
    {"malloc_of_0_gives_a_block_of_its_own", malloc_of_0_gives_a_block_of_its_own},
    {"absurd_sizes_fail_with_enomem", absurd_sizes_fail_with_enomem},
    {"calloc_that_overflows_fails", calloc_that_overflows_fails},
    {"reallocarray_that_overflows_keeps_the_block", reallocarray_that_overflows_keeps_the_block},
    {"realloc_that_fails_keeps_the_block", realloc_that_fails_keeps_the_block},
    {"realloc_to_0_frees", realloc_to_0_frees},
    {"realloc_keeps_contents_up_and_down", realloc_keeps_contents_up_and_down},
    {"bad_alignments_are_einval", bad_alignments_are_einval},
    {"alignments_hold_up_to_64_mib", alignments_hold_up_to_64_mib},
    {"huge_alignments_fail_or_hold", huge_alignments_fail_or_hold},
    {"memalign_rounds_alignments_up", memalign_rounds_alignments_up},
    {"every_block_is_aligned_to_16", every_block_is_aligned_to_16},
    {"valloc_and_pvalloc_give_pages", valloc_and_pvalloc_give_pages},
    {"usable_size_is_usable", usable_size_is_usable},
    {"calloc_clears_what_was_used", calloc_clears_what_was_used},
    {"free_keeps_errno", free_keeps_errno},
    {"sized_frees_free", sized_frees_free},
    {NULL, NULL},
};

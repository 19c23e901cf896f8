/* SPDX-License-Identifier: MIT */
/*
 * Small programs that a malloc must survive, run under LD_PRELOAD by libloam_test.py. Each corner
 * is a function that ends the process with a sentence if something is wrong, and returns if all is
 * well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct corner {
    const char *name;
    void (*run)(void);
};

/* Ended by an entry without a name. */
extern const struct corner corner_arguments[], corner_threads[], corner_forks[], corner_memory[],
    corner_misuses[];

/* The C23 functions, which the C library's headers may not declare yet. */
__attribute__((weak)) void free_sized(void *block, size_t size);
__attribute__((weak)) void free_aligned_sized(void *block, size_t align, size_t size);

_Noreturn void corner_fail(const char *file, int line, const char *what);

/* Ends the process unless it holds. */
#define require(holds) ((holds) ? (void)0 : corner_fail(__FILE__, __LINE__, #holds))

/* Hides a value from the compiler, which knows what malloc may return. */
static inline size_t opaque(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

static inline void *opaque_pointer(void *pointer)
{
    return (void *)opaque((size_t)pointer);
}

/* Fills a block with a pattern made of `tag`, and says whether it is there. */
void corner_fill(void *block, size_t size, unsigned tag);
bool corner_is_filled(const void *block, size_t size, unsigned tag);

/* Resident bytes of this process. */
size_t corner_resident(void);

/* The exit status of a child; ends the process if it was killed. */
int corner_wait(int child);

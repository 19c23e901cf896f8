/* SPDX-License-Identifier: MIT */
/*
 * One misuse of the heap a file, named as the misuse: it does it, and says which builds of the heap
 * see it, when, and what they say then. tests/heap_misuse_test.c runs each in those builds.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "tests/host/expect.h"

enum { RELEASE = 1, DEBUG = 2, HARDENED = 4, CHECKED = DEBUG | HARDENED, ALL = RELEASE | CHECKED };

struct misuse {
    const char *name;
    unsigned seen_by;
    void (*commit)(void);
};

/* A world and two of its heaps; another world and its heap. All are new. */
extern struct heap_world misuse_world, misuse_other_world;
extern struct heap misuse_heap, misuse_other_heap, misuse_foreign_heap;

/* A block of `size` bytes, and one with a live neighbour, so that its slab stays. */
void *misuse_alloc(size_t size);

/* The statement panics, and this is what is said: one sentence, with values in place of formats. */
#define misuse_says(statement, ...)                              \
    do {                                                         \
        char sentence_[256];                                     \
        misuse_format(sentence_, sizeof sentence_, __VA_ARGS__); \
        expect_panic(statement, "");                             \
        assert_string_equal(expect_message, sentence_);          \
    } while (0)

/* The access faults: there is no memory at its address. */
#define misuse_faults(address)                           \
    do {                                                 \
        if (sigsetjmp(*misuse_catch(address), 1) == 0) { \
            *(volatile char *)(address) = 1;             \
            fail_msg("%s can be written to", #address);  \
        }                                                \
        misuse_caught();                                 \
    } while (0)

void misuse_format(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
sigjmp_buf *misuse_catch(const void *address);
void misuse_caught(void);

/* SPDX-License-Identifier: MIT */
/* A freed block is read: what it held is gone. */
#include "tests/misuse/misuse.h"

static void commit(void)
{
    unsigned char *block = misuse_alloc(500);
    memset(block, 0x77, 500);
    heap_free(&misuse_heap, block);
    for (size_t i = sizeof(uintptr_t); i < 500; i++)
        assert_int_equal(block[i], HEAP_HARDEN ? 0 : 0xdd);
}

const struct misuse misuse_read_after_free = {"read after free", CHECKED, commit};

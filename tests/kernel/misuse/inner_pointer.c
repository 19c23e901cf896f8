/* SPDX-License-Identifier: MIT */
/* A pointer into a block is freed. */
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(inner_pointer)
{
    char *block = kmalloc(200000, 0);
    kfree(block + 4096);
}

/* SPDX-License-Identifier: MIT */
/* A block is written to after it was freed. */
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(write_after_free)
{
    volatile char *block = kmalloc(3000, 0);
    kfree((void *)block);
    block[100] = 'x';
    for (unsigned i = 0; i < 100; i++)
        kmalloc(3000, 0);
}

/* SPDX-License-Identifier: MIT */
/* A byte is written behind the end of a block. */
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(overflow)
{
    volatile char *block = kmalloc(41, 0);
    block[41] = 'x';
    kfree((void *)block);
}

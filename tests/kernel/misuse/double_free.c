/* SPDX-License-Identifier: MIT */
/* A block is freed twice. */
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(double_free)
{
    char *block = kmalloc(48, 0), *other = kmalloc(48, 0);
    kfree(block);
    kfree(other);
    kfree(block);
}

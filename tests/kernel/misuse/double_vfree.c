/* SPDX-License-Identifier: MIT */
/* A block of vmalloc is freed twice. */
#include "kernel/crash.h"
#include "kernel/mm/vmalloc.h"

CRASH(double_vfree)
{
    char *block = vmalloc(10000);
    vfree(block);
    vfree(block);
}

/* SPDX-License-Identifier: MIT */
/* A block is freed with another size than it was allocated with. */
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(sized_free_mismatch)
{
    kfree_sized(kmalloc(100, 0), 99);
}

/* SPDX-License-Identifier: MIT */
/* What is freed was never allocated. */
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(foreign_pointer)
{
    char local = 0;
    kfree(&local);
}

/* SPDX-License-Identifier: MIT */
/* Holds the way to the other CPUs, which has to come from above. */
#include "kernel/mm/pmm_drain.h"

#include <stddef.h>

static void (*drainer)(struct frames *frames);

void pmm_set_drainer(void (*function)(struct frames *frames))
{
    drainer = function;
}

void pmm_drain_others(struct frames *frames)
{
    if (drainer != NULL)
        drainer(frames);
}

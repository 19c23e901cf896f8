/* SPDX-License-Identifier: MIT */
/* What fiber.S finds on a new stack. */
#include "tests/explore/fiber.h"

#include <stdint.h>
#include <string.h>

void *fiber_new(void *top, void (*entry)(void))
{
    uint64_t *frame = (uint64_t *)top - 8; /* six registers, where to return, no caller */
    memset(frame, 0, 8 * sizeof *frame);
    frame[6] = (uintptr_t)entry;
    return frame;
}

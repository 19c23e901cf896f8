/* SPDX-License-Identifier: MIT */
/* The frame allocator's port where there is no kernel around it: a whole new home in a screenful,
 * with frame_home.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/alloc/frame_port.h"

void frame_port_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    abort();
}

/* Its memory is numbers only. */
void frame_port_zero(frame_t frame, unsigned order)
{
    (void)frame, (void)order;
}

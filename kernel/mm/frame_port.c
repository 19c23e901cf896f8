/* SPDX-License-Identifier: MIT */
/* What the frame allocator asks of the kernel. */
#include "lib/alloc/frame_port.h"

#include <machine.h>

#include "kernel/panic.h"

void frame_port_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    panic_v(format, arguments);
}

void frame_port_zero(frame_t frame, unsigned order)
{
    machine_clear(machine_phys_to_virt(phys_of_frame(frame)), PAGE_SIZE << order);
}

/* SPDX-License-Identifier: MIT */
/* The frame allocator's home in hosted tests; see frame_home.h. */
#include <frame_home.h>

bool host_frame_debug = true;
_Thread_local unsigned host_frame_cpu;
void (*host_frame_drain)(struct frames *frames);

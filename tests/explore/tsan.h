/* SPDX-License-Identifier: MIT */
/* What the rest needs to know of the runtime that the compiler calls. */
#pragma once

/* Where the stack ends on which announcements are handled; NULL: that of the caller. */
extern unsigned char *tsan_stack;

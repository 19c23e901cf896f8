/* SPDX-License-Identifier: MIT */
/* The heap on a machine with one CPU, no page tables and a fixed piece of memory. */
#pragma once

#include "lib/alloc/heap.h"

extern struct heap port_heap;

/* First of all. */
void port_start(void);

/* The machine's own: tells of misuse by the function that `caller` lies in, and ends. */
void port_stop(const void *caller, const char *sentence) __attribute__((noreturn));

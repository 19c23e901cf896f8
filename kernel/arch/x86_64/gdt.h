/* SPDX-License-Identifier: MIT */
/* Segments and the task state: what 64-bit mode still asks of them, no more. */
#pragma once

#define GDT_KERNEL_CODE 0x08
#define GDT_KERNEL_DATA 0x10

struct percpu;

/* Loads the kernel's own GDT and segment registers on this CPU, whose area is `area`, and a TSS
 * with the IST stacks of stack.h. Afterwards gs points to the area. */
void gdt_load(struct percpu *area);

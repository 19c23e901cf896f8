/* SPDX-License-Identifier: MIT */
/*
 * Contexts: a stack, and on it what a called function must preserve. The C library's swapcontext
 * would do, but makes a system call at each switch to keep apart signal masks that never differ.
 */
#pragma once

/* Leaves the running context, its stack pointer in `*from`, for the one at `to`. Returns when
 * something switches back. */
void fiber_switch(void **from, void *to);

/* A context that will call `entry`, which must not return, on the stack that ends at `top`.
 * Precondition: `top` is a multiple of 16. */
void *fiber_new(void *top, void (*entry)(void));

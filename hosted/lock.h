/* SPDX-License-Identifier: MIT */
/*
 * A lock that sleeps in the kernel, and that its holder may take again: between the two halves of
 * fork a thread holds the world's lock while others' fork handlers allocate, and a signal handler
 * may fork while its own thread holds it.
 */
#pragma once

#include <stdint.h>

struct lock {
    uintptr_t holder; /* atomic; 0: nobody; bit 0: somebody sleeps */
    unsigned depth;   /* times it was taken again; holder */
};

/* `self`, not 0 and even, tells threads apart; the address of a thread-local variable does. */
void lock_take(struct lock *lock, uintptr_t self);
void lock_release(struct lock *lock);

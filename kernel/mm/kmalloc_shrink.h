/* SPDX-License-Identifier: MIT */
/* Shrinkers (kmalloc.h), as kmalloc.c calls them. */
#pragma once

#include <stddef.h>

/* Starts with none. */
void kmalloc_shrink_init(void);

/* Asks each for `bytes`. Returns how many they gave back in all. Task context, interrupts on, no
 * lock held. */
size_t kmalloc_shrink(size_t bytes);

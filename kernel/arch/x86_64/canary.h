/* SPDX-License-Identifier: MIT */
/*
 * Canaries: a secret word that the compiler lays between the arrays and the return address of a
 * function, and looks at before it returns: what runs over the end of an array kills it first. Each
 * stack has its own. That of the stack in use is in the CPU's area, at gs:40.
 *
 * Functions that change it must not be protected themselves.
 */
#pragma once

#include <stdint.h>

/* A new one, as random as this CPU can be: by RDRAND where there is one, else by the jitter of the
 * time stamp counter. Its lowest byte is 0, so that no string runs over it unnoticed. */
uint64_t canary_new(void);

/* entry.S calls it before all other C: gives the boot CPU's main stack its canary. */
void canary_start(void);

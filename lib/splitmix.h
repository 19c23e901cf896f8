/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same in every run: splitmix64 (Steele, Lea, Flood, 2014). */
#pragma once

#include <stdint.h>

/* Any state is a good one to begin with. */
static inline uint64_t splitmix_next(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

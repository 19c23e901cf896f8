/* SPDX-License-Identifier: MIT */
/* Sorting in place, without memory of its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Sorts `count` words into ascending order: heapsort, O(n log n) steps whatever the input, so that
 * a hostile table costs no more than any other. (Williams, 1964.) */
void sort_words(uint64_t *words, size_t count);

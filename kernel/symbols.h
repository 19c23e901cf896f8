/* SPDX-License-Identifier: MIT */
/* Names for code addresses, from the table that tools/symbols.py put into the image. */
#pragma once

#include <stdint.h>

/* The function that holds `address`, and how far into it that is; NULL if there is none. */
const char *symbols_find(uintptr_t address, uint64_t *offset);

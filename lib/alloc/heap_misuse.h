/* SPDX-License-Identifier: MIT */
/* What is wrong with a pointer that is not the start of a live block, said as a sentence. */
#pragma once

#include "lib/alloc/heap.h"

_Noreturn void heap_misuse(const struct heap *heap, const void *pointer);

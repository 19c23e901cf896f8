/* SPDX-License-Identifier: MIT */
/* heap.h and port.h for C++ programs: what C says differently gets its C++ name meanwhile. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _Static_assert static_assert
#define _Noreturn      [[noreturn]]

extern "C" {
#include "lib/alloc/heap.h"
#include "lib/alloc/port/port.h"
}

#undef _Static_assert
#undef _Noreturn

/* SPDX-License-Identifier: MIT */
/* Searching the symbol table: sorted offsets from image_start, and a name for each. */
#include "kernel/symbols.h"

#include <stddef.h>

#include "kernel/arch/x86_64/image.h"

struct symbol {
    uint32_t start; /* offset from image_start */
    uint32_t name;  /* offset in symbols_names */
};

extern const uint64_t symbols_count;
extern const struct symbol symbols_table[];
extern const char symbols_names[];

const char *symbols_find(uintptr_t address, uint64_t *offset)
{
    uint64_t low = 0, high = symbols_count;
    if (!image_is_text(address))
        return NULL;
    uint64_t target = address - (uintptr_t)image_start;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (symbols_table[middle].start <= target)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    *offset = target - symbols_table[low - 1].start;
    return symbols_names + symbols_table[low - 1].name;
}

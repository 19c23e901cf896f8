/* SPDX-License-Identifier: MIT */
#include "lib/alloc/heap_class.h"

#include "lib/bits.h"
#include "lib/string.h"

const uint16_t heap_class_sizes[HEAP_CLASSES] = {
    16,   32,   48,   64,   80,   96,    112,   128,   144,   160,   176,   192,   208,
    224,  240,  256,  288,  320,  352,   384,   416,   448,   480,   512,   576,   640,
    704,  768,  832,  896,  960,  1024,  1280,  1536,  1792,  2048,  2560,  3072,  3584,
    4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768};

void heap_class_init(struct heap *heap, bool only_powers)
{
    size_t step = 0;
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        if (only_powers && !bits_is_power_of_two(heap_class_size(i)))
            continue;
        size_t end = heap_class_size(i) / HEAP_MIN_ALIGN;
        memset(&heap->class_of[step], (int)i, end - step);
        step = end;
    }
}

unsigned heap_class_aligned(const struct heap *heap, size_t size, size_t align)
{
    unsigned index = heap_class_of(heap, size > align ? size : align);
    while (!bits_is_aligned(heap_class_size(index), align))
        index++;
    return index;
}

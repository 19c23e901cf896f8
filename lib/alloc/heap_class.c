/* SPDX-License-Identifier: MIT */
#include "lib/alloc/heap_class.h"

#include "lib/string.h"

const uint16_t heap_class_sizes[HEAP_CLASSES] = {
    16,   32,   48,   64,   80,    96,    112,   128,   144,   160,   176,   192,  208,
    224,  240,  256,  288,  320,   352,   384,   416,   448,   480,   512,   576,  640,
    704,  768,  832,  896,  960,   1024,  1152,  1280,  1408,  1536,  1664,  1792, 1920,
    2048, 2304, 2560, 2816, 3072,  3328,  3584,  3840,  4096,  4608,  5120,  5632, 6144,
    6656, 7168, 7680, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768};

/* The sizes from *done on, up to `size`, are of class `index`. */
static void fill(struct heap *heap, size_t *done, size_t size, unsigned index)
{
    if (size <= HEAP_TINY_MAX)
        memset(&heap->class_of[*done], (int)index, size + 1 - *done);
    else
        memset(&heap->class_above[*done / HEAP_TINY_STEP], (int)index,
               (size + 1 - *done) / HEAP_TINY_STEP);
    *done = size + 1;
}

void heap_class_init(struct heap *heap, bool only_powers)
{
    size_t done = 0;
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        if (!only_powers || bits_is_power_of_two(heap_class_size(i)))
            fill(heap, &done, heap_class_size(i), i);
}

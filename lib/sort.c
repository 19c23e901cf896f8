/* SPDX-License-Identifier: MIT */
/*
 * Heapsort. The words form a binary heap: the children of words[i] are words[2i + 1] and
 * words[2i + 2], and no child exceeds its parent. The greatest word is therefore words[0].
 */
#include "lib/sort.h"

/* Sinks words[top] until words[0, count) is a heap at and below `top`. Precondition: it is one
 * below `top`. */
static void sink(uint64_t *words, size_t top, size_t count)
{
    uint64_t word = words[top];
    while (top < count / 2) {
        size_t child = 2 * top + 1;
        if (child + 1 < count && words[child + 1] > words[child])
            child++;
        if (words[child] <= word)
            break;
        words[top] = words[child];
        top = child;
    }
    words[top] = word;
}

void sort_words(uint64_t *words, size_t count)
{
    for (size_t top = count / 2; top > 0; top--)
        sink(words, top - 1, count);
    for (size_t end = count; end > 1; end--) {
        uint64_t greatest = words[0];
        words[0] = words[end - 1];
        words[end - 1] = greatest;
        sink(words, 0, end - 1);
    }
}

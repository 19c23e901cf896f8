/* SPDX-License-Identifier: MIT */
/* One thread, and blocks that grow by realloc. */
#include "tests/bench/heap/workload.h"

#include <string.h>

/* One block from 64 bytes to 4 MiB by eighths, 500 times; what is new is written, a byte a page. */
void resize_grow(void)
{
    enum { ROUNDS = 500, FIRST = 64, LAST = 4 << 20, PAGE = 4096 };
    for (int round = 0; round < ROUNDS; round++) {
        char *block = NULL;
        size_t written = 0;
        for (size_t size = FIRST; size <= LAST; size += size / 8) {
            block = workload_realloc(block, size);
            for (; written < size; written += PAGE)
                block[written] = 1;
        }
        free(block);
    }
}

/* 2000 strings at once, each appended to until it has a random length up to 4 KiB. */
void resize_strings(void)
{
    enum { COUNT = 2000, STEPS = 10000000, PIECE = 24, LONGEST = 4096 };
    struct random random = {.state = 5};
    static struct {
        char *text;
        size_t length, room;
    } strings[COUNT];
    for (size_t i = 0; i < STEPS; i++) {
        size_t at = random_below(&random, COUNT);
        if (strings[at].length + PIECE > strings[at].room) {
            strings[at].room = strings[at].room + strings[at].room / 2 + PIECE;
            strings[at].text = workload_realloc(strings[at].text, strings[at].room);
        }
        memset(strings[at].text + strings[at].length, 'x', PIECE);
        strings[at].length += PIECE;
        if (strings[at].length > LONGEST || random_once_in(&random, 64)) {
            free(strings[at].text);
            strings[at].text = NULL;
            strings[at].length = 0;
            strings[at].room = 0;
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        free(strings[i].text);
}

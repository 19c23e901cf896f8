/* SPDX-License-Identifier: MIT */
/* One thread, and blocks of 64 KiB to 4 MiB. */
#include "tests/bench/heap/workload.h"

/* 32 blocks, about 30 MiB, of which one at random is replaced; each is written once, a byte a page.
 * All are freed now and then, as at the end of a request. */
void large_blocks(void)
{
    enum { COUNT = 32, STEPS = 2000, REQUEST = 500 };
    struct random random = {.state = 6};
    void *blocks[COUNT] = {0};
    for (size_t i = 1; i <= STEPS; i++) {
        void **slot = &blocks[random_below(&random, COUNT)];
        size_t size = workload_size(&random, 16, 22);
        free(*slot);
        *slot = workload_alloc(size);
        workload_touch(*slot, size);
        for (size_t j = 0; j < COUNT && i % REQUEST == 0; j++) {
            free(blocks[j]);
            blocks[j] = NULL;
        }
    }
}

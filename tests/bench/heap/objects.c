/* SPDX-License-Identifier: MIT */
/* One thread, and blocks up to 32 KiB: many live at once, or replaced one by one. */
#include "tests/bench/heap/workload.h"

/* Builds 400,000 objects of 16 to 128 bytes, then frees them in another order, six times. */
void objects_small(void)
{
    enum { COUNT = 400000, ROUNDS = 6, STRIDE = 7919 };
    struct random random = {.state = 1};
    void **objects = workload_alloc(COUNT * sizeof *objects);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size_t size = 16 + random_below(&random, 113);
            objects[i] = workload_alloc(size);
            workload_touch(objects[i], size);
        }
        for (size_t i = 0; i < COUNT; i++)
            free(objects[i * STRIDE % COUNT]);
    }
    free(objects);
}

/* A queue of 1000 objects of 16 to 256 bytes: frees the oldest, then allocates. */
void objects_fifo(void)
{
    enum { LENGTH = 1000, STEPS = 8000000 };
    struct random random = {.state = 2};
    void *queue[LENGTH] = {0};
    for (size_t i = 0; i < STEPS; i++) {
        size_t size = 16 + random_next(&random) % 241;
        void **slot = &queue[i % LENGTH];
        free(*slot);
        *slot = workload_alloc(size);
        workload_touch(*slot, size);
    }
    for (size_t i = 0; i < LENGTH; i++)
        free(queue[i]);
}

struct node {
    struct node *left, *right;
    uint64_t value;
};

static struct node *grow_tree(unsigned depth)
{
    struct node *node = workload_alloc(sizeof *node);
    *node = (struct node){.value = depth};
    if (depth > 0) {
        node->left = grow_tree(depth - 1);
        node->right = grow_tree(depth - 1);
    }
    return node;
}

static uint64_t fell_tree(struct node *node)
{
    if (node == NULL)
        return 0;
    uint64_t sum = node->value + fell_tree(node->left) + fell_tree(node->right);
    free(node);
    return sum;
}

/* Binary trees, small ones beside a large one that stays. */
void objects_trees(void)
{
    enum { DEPTH = 17, SMALL = 10, COUNT = 8000 };
    struct node *stays = grow_tree(DEPTH);
    uint64_t sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum += fell_tree(grow_tree(SMALL));
    sum += fell_tree(stays);
    workload_figure("sum", (double)sum);
}

static void replace(size_t count, size_t steps, unsigned low, unsigned high)
{
    struct random random = {.state = 3};
    void **objects = calloc(count, sizeof *objects);
    for (size_t i = 0; i < steps; i++) {
        void **slot = &objects[random_below(&random, count)];
        size_t size = workload_size(&random, low, high);
        free(*slot);
        *slot = workload_alloc(size);
        workload_touch(*slot, size);
    }
    for (size_t i = 0; i < count; i++)
        free(objects[i]);
    free(objects);
}

/* 100,000 objects of 8 to 256 bytes; one at random is replaced by another. */
void objects_replace(void)
{
    replace(100000, 4000000, 3, 8);
}

/* The same with 4000 objects of 1 to 32 KiB. */
void objects_replace_medium(void)
{
    replace(4000, 1500000, 10, 15);
}

/* 4000 objects of 16 bytes to 4 KiB, aligned to 16 bytes to 4 KiB. */
void objects_aligned(void)
{
    enum { COUNT = 4000, STEPS = 2000000 };
    struct random random = {.state = 4};
    void **objects = calloc(COUNT, sizeof *objects);
    for (size_t i = 0; i < STEPS; i++) {
        void **slot = &objects[random_below(&random, COUNT)];
        size_t align = (size_t)16 << random_below(&random, 9);
        size_t size = workload_size(&random, 4, 12);
        free(*slot);
        *slot = workload_alloc_aligned(align, size);
        workload_touch(*slot, size);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(objects[i]);
    free(objects);
}

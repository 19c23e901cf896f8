/* SPDX-License-Identifier: MIT */
/*
 * Loops over malloc and free, for heap_insn.py to count instructions in:
 *
 *     heap_insn fifo|fresh|pair SIZE ROUNDS
 *
 * fifo keeps 1000 objects and frees the oldest before allocating; pair allocates and frees one;
 * fresh allocates and frees nothing. A round is 1000 operations. Setting up takes as many
 * instructions with 0 rounds as with others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS = 1000, WARM_UP = 3 };

static void *objects[OBJECTS];

static void fifo(size_t size, long rounds)
{
    for (long round = 0; round < rounds; round++)
        for (size_t i = 0; i < OBJECTS; i++) {
            free(objects[i]);
            objects[i] = malloc(size);
        }
}

static void pair(size_t size, long rounds)
{
    for (long i = 0; i < rounds * OBJECTS; i++)
        free(malloc(size));
}

static void fresh(size_t size, long rounds)
{
    for (long i = 0; i < rounds * OBJECTS; i++)
        objects[0] = malloc(size);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(size_t size, long rounds);
    } loops[] = {{"fifo", fifo}, {"pair", pair}, {"fresh", fresh}};
    for (size_t i = 0; argc == 4 && i < sizeof loops / sizeof *loops; i++) {
        if (strcmp(argv[1], loops[i].name) != 0)
            continue;
        size_t size = strtoul(argv[2], NULL, 10);
        loops[i].run(size, WARM_UP);
        loops[i].run(size, strtol(argv[3], NULL, 10));
        return 0;
    }
    fprintf(stderr, "usage: heap_insn fifo|fresh|pair SIZE ROUNDS\n");
    return 2;
}

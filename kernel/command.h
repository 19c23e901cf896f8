/* SPDX-License-Identifier: MIT */
/* What a prompt command is. Each file command_*.c holds a group of them; shell.c lists them all. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct command {
    const char *name;
    const char *arguments; /* as shown after "usage: NAME", "" if it takes none */
    const char *help;      /* a line */
    int min, max;          /* number of arguments; max -1: any */
    /* `argv[0]` is the name. False if it failed, which it has explained on the console. */
    bool (*run)(int argc, char **argv);
};

/* The groups, each ended by an entry without a name. */
extern const struct command command_memory[]; /* look: mem maps walk check */
extern const struct command command_frames[];
extern const struct command command_heap[];  /* heap leaks caches */
extern const struct command command_block[]; /* alloc realloc free */
extern const struct command command_use[];   /* use: map unmap peek poke fill */
extern const struct command command_machine[];
extern const struct command command_locks[];
extern const struct command command_cpus[];   /* cpus irqs nodes */
extern const struct command command_prompt[]; /* how the prompt behaves */

/* Reads an argument as a number, or as the address that a block's name ($1, $1+8) stands for; else
 * says what was expected. */
bool command_number(const char *text, const char *what, uint64_t *value);

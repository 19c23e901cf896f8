/* SPDX-License-Identifier: MIT */
/* Takes the name of a corner and runs it; `--list` prints the names. */
#include "tests/libloam/corner.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct corner *const groups[] = {corner_arguments, corner_threads, corner_forks,
                                              corner_memory, corner_misuses};

void corner_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    _exit(1);
}

void corner_fill(void *block, size_t size, unsigned tag)
{
    unsigned char *bytes = block;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(tag + i);
}

bool corner_is_filled(const void *block, size_t size, unsigned tag)
{
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)(tag + i))
            return false;
    return true;
}

size_t corner_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long all, pages;
    require(file != NULL && fscanf(file, "%lu %lu", &all, &pages) == 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

int corner_wait(int child)
{
    int status;
    require(waitpid(child, &status, 0) == child);
    require(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct corner *find(const char *name)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        for (const struct corner *corner = groups[i]; corner->name != NULL; corner++)
            if (strcmp(corner->name, name) == 0)
                return corner;
    return NULL;
}

static void list(void)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        for (const struct corner *corner = groups[i]; corner->name != NULL; corner++)
            puts(corner->name);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list(), 0;
    const struct corner *corner = argc == 2 ? find(argv[1]) : NULL;
    if (corner == NULL)
        return fputs("usage: corner --list | NAME\n", stderr), 2;
    setvbuf(stdout, NULL, _IONBF, 0); /* it must not allocate between two frees */
    alarm(60);
    corner->run();
    return 0;
}

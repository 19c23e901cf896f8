/* SPDX-License-Identifier: MIT */
/*
 *   launch REPORT LIBRARY PROGRAM ARGUMENT...
 *
 * Runs the program with the library preloaded ("" for none) and writes to the file REPORT:
 * user and system time in microseconds, the peak of resident memory in KiB, and the exit status
 * (128 + signal if killed). Memory of the parent counts as the child's until exec, so this program
 * is small, and linked statically.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long microseconds(struct timeval time)
{
    return time.tv_sec * 1000000L + time.tv_usec;
}

static int fail(const char *what)
{
    perror(what);
    return 127;
}

static int start(const char *library, char **argv)
{
    if (library[0] != '\0')
        setenv("LD_PRELOAD", library, 1);
    execvp(argv[0], argv);
    return fail(argv[0]);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fputs("usage: launch REPORT LIBRARY PROGRAM ARGUMENT...\n", stderr), 2;
    pid_t child = fork();
    if (child == 0)
        _exit(start(argv[2], argv + 3));
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return fail("launch");
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *report = fopen(argv[1], "w");
    if (report == NULL)
        return fail(argv[1]);
    fprintf(report, "%ld %ld %ld %d\n", microseconds(usage.ru_utime), microseconds(usage.ru_stime),
            usage.ru_maxrss, code);
    return fclose(report) == 0 ? code : fail(argv[1]);
}

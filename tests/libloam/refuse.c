/* SPDX-License-Identifier: MIT */
/*
 *   refuse CALL BYTES PROGRAM ARGUMENT...
 *
 * Runs a program for which CALL (mmap or mprotect) fails with ENOMEM if it is for more than BYTES
 * at once, as under a strict limit or strict accounting of memory: by a filter in the kernel, which
 * no way of calling escapes.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NUMBER = offsetof(struct seccomp_data, nr),
    LENGTH = offsetof(struct seccomp_data, args[1])
};

#define LOAD(offset)               BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define JUMP(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)
#define RETURN(verdict)            BPF_STMT(BPF_RET | BPF_K, verdict)

/* The length is the second argument of both calls; a filter compares it by halves. */
static int install(unsigned call, uint64_t bytes)
{
    uint32_t low = (uint32_t)bytes, high = (uint32_t)(bytes >> 32);
    struct sock_filter filter[] = {
        LOAD(NUMBER),
        JUMP(BPF_JEQ, call, 0, 5),
        LOAD(LENGTH + 4),
        JUMP(BPF_JGT, high, 4, 0),
        JUMP(BPF_JEQ, high, 0, 2),
        LOAD(LENGTH),
        JUMP(BPF_JGT, low, 1, 0),
        RETURN(SECCOMP_RET_ALLOW),
        RETURN(SECCOMP_RET_ERRNO | ENOMEM),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fputs("usage: refuse mmap|mprotect BYTES PROGRAM ARGUMENT...\n", stderr), 2;
    unsigned call = strcmp(argv[1], "mmap") == 0 ? SYS_mmap : SYS_mprotect;
    if (install(call, strtoull(argv[2], NULL, 0)) != 0)
        return perror("refuse: no filter"), 77;
    execvp(argv[3], argv + 3);
    return perror(argv[3]), 127;
}

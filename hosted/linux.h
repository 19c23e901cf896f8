/* SPDX-License-Identifier: MIT */
/*
 * The system calls that the heap's home needs, without the C library: they leave errno alone, as
 * free must, and ld.so need not look them up at the start of every program.
 *
 * Each returns what the kernel does: a value, or the negated number of an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* The numbers of errors are the highest 4095 values: no address is one. */
static inline bool linux_failed(long result)
{
    return result < 0 && result >= -4095;
}

static inline long linux_call(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    register uintptr_t fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

/* Anonymous memory of this process. */
static inline long linux_mmap(uintptr_t at, size_t bytes, int access, int flags)
{
    register uintptr_t fourth __asm__("r10") = (uintptr_t)(flags | MAP_PRIVATE | MAP_ANONYMOUS);
    register intptr_t file __asm__("r8") = -1;
    register uintptr_t offset __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_mmap), "D"(at), "S"(bytes), "d"((long)access), "r"(fourth),
                       "r"(file), "r"(offset)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long linux_munmap(uintptr_t start, size_t bytes)
{
    return linux_call(SYS_munmap, start, bytes, 0, 0);
}

static inline long linux_mremap(uintptr_t start, size_t from, size_t to, int flags)
{
    return linux_call(SYS_mremap, start, from, to, (uintptr_t)flags);
}

static inline long linux_mprotect(uintptr_t start, size_t bytes, int access)
{
    return linux_call(SYS_mprotect, start, bytes, (uintptr_t)access, 0);
}

static inline long linux_madvise(uintptr_t start, size_t bytes, int advice)
{
    return linux_call(SYS_madvise, start, bytes, (uintptr_t)advice, 0);
}

/* Of this process. */
static inline long linux_getrlimit(int which, struct rlimit *limit)
{
    return linux_call(SYS_getrlimit, (uintptr_t)which, (uintptr_t)limit, 0, 0);
}

static inline long linux_write(int file, const void *text, size_t bytes)
{
    return linux_call(SYS_write, (uintptr_t)file, (uintptr_t)text, bytes, 0);
}

/* Random bytes, as many as the kernel has at once. */
static inline long linux_getrandom(void *buffer, size_t bytes)
{
    return linux_call(SYS_getrandom, (uintptr_t)buffer, bytes, 1 /* GRND_NONBLOCK */, 0);
}

static inline long linux_gettid(void)
{
    return linux_call(SYS_gettid, 0, 0, 0, 0);
}

/* False only if it is certain that this process has no thread of that number: a filter of system
 * calls may refuse to say. */
static inline bool linux_has_thread(long tid)
{
    long process = linux_call(SYS_getpid, 0, 0, 0, 0);
    return linux_call(SYS_tgkill, (uintptr_t)process, (uintptr_t)tid, 0, 0) != -ESRCH;
}

/* Between threads of this process. */
static inline long linux_futex(void *word, int operation, uint32_t value)
{
    return linux_call(SYS_futex, (uintptr_t)word, (uintptr_t)(operation | FUTEX_PRIVATE_FLAG),
                      value, 0);
}

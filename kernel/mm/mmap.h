/* SPDX-License-Identifier: MIT */
/*
 * The kernel's mmap family: argument checks and errno as Linux answers them (POSIX.1-2024 where
 * they agree), over aspace, in the window MEMLAYOUT_MMAP. Anonymous memory only, no files yet.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct aspace;

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4
#define PROT_SEM   8 /* accepted, means nothing */

#define MAP_SHARED          0x01 /* alone in its space, the kernel shares with nobody: as private */
#define MAP_PRIVATE         0x02
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_FIXED_NOREPLACE 0x100000

/* Uses `space`, which must hold the mmap window. */
void mmap_init(struct aspace *space);

/*
 * Maps `length` bytes, rounded up to pages, zeroed, at `hint` if that is free (rounded down to a
 * page), else at a place of the kernel's choice. Returns the address or -errno, told apart by
 * is_error():
 *   -EBADF   no MAP_ANONYMOUS
 *   -EINVAL  length 0; not exactly one of MAP_SHARED and MAP_PRIVATE; MAP_FIXED at a misaligned
 *            address; PROT_WRITE with PROT_EXEC
 *   -ENOMEM  length does not fit; MAP_FIXED outside the window; no memory
 *   -EEXIST  MAP_FIXED_NOREPLACE over something mapped
 */
intptr_t kmmap(uintptr_t hint, size_t length, unsigned prot, unsigned flags);

/* Unmaps all that is mapped in [start, start + length), length rounded up to pages; holes are fine.
 * Returns 0, -EINVAL (misaligned, length 0, outside the window) or -ENOMEM (a region would be cut
 * in two and there is no memory for that). */
int kmunmap(uintptr_t start, size_t length);

/* Changes what may be done in [start, start + length). Returns 0 (also for length 0), -EINVAL
 * (misaligned, unknown bits, PROT_WRITE with PROT_EXEC), or -ENOMEM (a hole, after the part before
 * it has been changed; or no memory, nothing changed). */
int kmprotect(uintptr_t start, size_t length, unsigned prot);

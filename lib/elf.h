/* SPDX-License-Identifier: MIT */
/*
 * Reading an ELF64 executable from untrusted bytes: the file goes in, a checked list of segments
 * comes out. Everything that the list says has been verified against the file's size, so that a
 * loader can copy by it without further tests. (System V ABI, AMD64 supplement; ELF-64 1.5.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 8

enum { ELF_EXEC = 1, ELF_WRITE = 2, ELF_READ = 4 }; /* p_flags */

struct elf_segment {
    uint64_t offset;     /* of its bytes in the file */
    uint64_t file_bytes; /* bytes to copy; the rest up to memory_bytes is zero */
    uint64_t virt;       /* page aligned */
    uint64_t memory_bytes;
    unsigned flags;
};

struct elf_image {
    uint64_t entry;      /* inside an executable segment */
    uint64_t virt_start; /* [virt_start, virt_end) holds every segment; page aligned */
    uint64_t virt_end;
    size_t segments;
    struct elf_segment segment[ELF_SEGMENTS_MAX]; /* ascending, disjoint, none empty, none both
                                                     writable and executable */
};

/* Checks `file` of `size` bytes as a statically linked x86-64 executable whose segments lie in
 * [virt_min, virt_max). Fills `image` and returns NULL, or returns what is wrong as words that can
 * follow "kernel.elf " in a sentence ("is not an ELF file"). */
const char *elf_read(const void *file, size_t size, uint64_t virt_min, uint64_t virt_max,
                     struct elf_image *image);

/* SPDX-License-Identifier: MIT */
/* The borders of the kernel image, from linker.ld. All are page aligned. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

extern char image_start[];      /* text: read, execute */
extern char image_text_end[];   /* rodata: read */
extern char image_rodata_end[]; /* sealed data: read, and written while the kernel comes up */
extern char image_sealed_end[]; /* data, bss, stacks: read, write */
extern char image_end[];

/* Of a variable: never changes again once the kernel is up, see kspace_seal(). Not for what is to
 * be zero at the start and large: it takes room in the image. */
#define SEALED __attribute__((section(".data.sealed")))

/* True iff `address` lies in the kernel's text. */
static inline bool image_is_text(uintptr_t address)
{
    return address >= (uintptr_t)image_start && address < (uintptr_t)image_text_end;
}

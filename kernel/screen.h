/* SPDX-License-Identifier: MIT */
/*
 * The screen: an output of the console on a linear framebuffer. Text goes to a terminal; the cells
 * that have changed are then drawn. The framebuffer is only written, never read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/boot_info.h"
#include "kernel/console.h"
#include "lib/addr.h"

/* Takes over the framebuffer, whose description it copies, and becomes an output of the console.
 * False if there is none, or none that can hold a character. Draws nothing before screen_show(). */
bool screen_init(const struct boot_framebuffer *framebuffer);

/* Where the framebuffer is and how long, for mapping it; 0 bytes if there is no screen. */
phys_t screen_base(void);
uint64_t screen_bytes(void);

/* Draws at `pixels`, where the framebuffer is mapped, what has been written so far and what will
 * be; NULL: nothing is drawn until the next call. */
void screen_show(void *pixels);

/* The size of the text; a character is `scale` times as large as the font's. */
struct screen_size {
    unsigned columns, rows, scale;
};
struct screen_size screen_size(void);

/* What somebody in front of it sees; all 0 if there is no screen. */
struct console_view screen_view(void);

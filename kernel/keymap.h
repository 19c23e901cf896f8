/* SPDX-License-Identifier: MIT */
/*
 * A keyboard of the US layout: takes scan codes of set 1, gives what a serial terminal sends for
 * the same keys. It knows no hardware; keyboard.c feeds it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYMAP_TEXT_MAX 4

/* A held key repeats its code, which must not toggle the lock again. */
struct keymap_lock {
    bool on, held;
};

/* What is held or locked; all zero at first. */
struct keymap {
    uint8_t shift, control; /* bit 0: the left one is held, bit 1: the right one */
    struct keymap_lock caps, num;
    bool extended;   /* the code before was 0xe0 */
    uint8_t to_skip; /* codes that are left of Pause, which types nothing */
};

/* Takes one scan code. Returns how many characters it types, which it stores in `text`. Releases,
 * modifiers and keys without a meaning type none. */
size_t keymap_take(struct keymap *keymap, uint8_t code, char text[KEYMAP_TEXT_MAX]);

/* SPDX-License-Identifier: MIT */
/* Scan codes from the controller, through the keymap, one character at a time. */
#include "kernel/keyboard.h"

#include "kernel/arch/x86_64/ps2.h"
#include "kernel/keymap.h"

static struct keymap keymap;
static char typed[KEYMAP_TEXT_MAX]; /* by the last key: [given, count) are still to be given */
static size_t given, count;

static int keyboard_get(void)
{
    while (given == count) {
        int code = ps2_get();
        if (code < 0)
            return -1;
        given = 0;
        count = keymap_take(&keymap, (uint8_t)code, typed);
    }
    return typed[given++];
}

void keyboard_init(struct console_view view)
{
    if (ps2_init())
        console_add_input(keyboard_get, view);
}

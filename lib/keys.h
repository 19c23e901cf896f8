/* SPDX-License-Identifier: MIT */
/*
 * A terminal's bytes become keys: printable characters stand for themselves; control characters and
 * escape sequences (ECMA-48 CSI and SS3, as VT100s, xterm and the Linux console send them) for what
 * they do to a line. What is not known is swallowed whole, never taken for text.
 */
#pragma once

enum key {
    KEY_NONE, /* nothing to do, or not yet: the sequence goes on */
    KEY_ENTER = 256,
    KEY_TAB,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_UP,
    KEY_DOWN,
    KEY_KILL_LINE,
    KEY_KILL_TO_START,
    KEY_KILL_TO_END,
    KEY_KILL_WORD,
};

/* The state between bytes; all zero at the start. */
struct keys {
    enum { KEYS_PLAIN, KEYS_ESCAPE, KEYS_CSI, KEYS_CSI_REST, KEYS_SS3 } state;
    unsigned parameter; /* the first of the CSI sequence */
};

/* Takes the next byte. Returns the key that it completes: a character from ' ' to '~', or one of
 * enum key. */
int keys_take(struct keys *keys, char byte);

/* SPDX-License-Identifier: MIT */
/* A terminal's bytes become keys. */
#include "lib/keys.h"

#include <stdbool.h>

enum { ESCAPE = 27, DELETE = 127 };
#define CONTROL(letter) ((letter) - '@')

static int plain_key(unsigned char byte)
{
    static const short control[' '] = {
        [CONTROL('A')] = KEY_HOME,      [CONTROL('B')] = KEY_LEFT,
        [CONTROL('C')] = KEY_KILL_LINE, [CONTROL('D')] = KEY_DELETE,
        [CONTROL('E')] = KEY_END,       [CONTROL('F')] = KEY_RIGHT,
        [CONTROL('H')] = KEY_BACKSPACE, [CONTROL('I')] = KEY_TAB,
        [CONTROL('J')] = KEY_ENTER,     [CONTROL('K')] = KEY_KILL_TO_END,
        [CONTROL('M')] = KEY_ENTER,     [CONTROL('N')] = KEY_DOWN,
        [CONTROL('P')] = KEY_UP,        [CONTROL('U')] = KEY_KILL_TO_START,
        [CONTROL('W')] = KEY_KILL_WORD,
    };
    if (byte < ' ')
        return control[byte];
    if (byte == DELETE)
        return KEY_BACKSPACE; /* what terminals send for it */
    return byte < DELETE ? byte : KEY_NONE;
}

/* The key of ESC [ parameter ~. */
static int tilde_key(unsigned parameter)
{
    switch (parameter) {
    case 1:
    case 7:
        return KEY_HOME;
    case 3:
        return KEY_DELETE;
    case 4:
    case 8:
        return KEY_END;
    default:
        return KEY_NONE;
    }
}

static int final_key(unsigned char final, unsigned parameter)
{
    switch (final) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'F':
        return KEY_END;
    case 'H':
        return KEY_HOME;
    case '~':
        return tilde_key(parameter);
    default:
        return KEY_NONE;
    }
}

/* ESC [ parameter ; ... final: parameters and intermediates lie below '@', the final above. */
static int take_csi(struct keys *keys, unsigned char byte)
{
    bool is_digit = byte >= '0' && byte <= '9';
    if (byte >= '@') {
        keys->state = KEYS_PLAIN;
        return final_key(byte, keys->parameter);
    }
    if (!is_digit)
        keys->state = KEYS_CSI_REST;
    else if (keys->state == KEYS_CSI && keys->parameter < 1000)
        keys->parameter = 10 * keys->parameter + (byte - '0');
    return KEY_NONE;
}

int keys_take(struct keys *keys, char character)
{
    unsigned char byte = (unsigned char)character;
    if (byte < ' ') { /* also ends a sequence that was cut short */
        keys->state = byte == ESCAPE ? KEYS_ESCAPE : KEYS_PLAIN;
        return plain_key(byte);
    }
    switch (keys->state) {
    case KEYS_ESCAPE:
        *keys = (struct keys){.state = byte == '['   ? KEYS_CSI
                                       : byte == 'O' ? KEYS_SS3
                                                     : KEYS_PLAIN};
        return KEY_NONE;
    case KEYS_CSI:
    case KEYS_CSI_REST:
        return take_csi(keys, byte);
    case KEYS_SS3:
        keys->state = KEYS_PLAIN;
        return final_key(byte, 0);
    default:
        return plain_key(byte);
    }
}

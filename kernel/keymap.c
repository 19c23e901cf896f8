/* SPDX-License-Identifier: MIT */
/* Scan codes of set 1: a key's number, and 0x80 with it when the key is released. 0xe0 goes before
 * the keys that the first PC's keyboard did not have. */
#include "kernel/keymap.h"

#include "lib/string.h"

#define RELEASED    0x80
#define EXTENDED    0xe0
#define PAUSE       0xe1
#define PAUSE_CODES 6 /* e1 1d 45 e1 9d c5, all at once */

enum {
    ENTER = 0x1c,
    CONTROL = 0x1d,
    LEFT_SHIFT = 0x2a,
    SLASH = 0x35,
    RIGHT_SHIFT = 0x36,
    CAPS_LOCK = 0x3a,
    NUM_LOCK = 0x45,
    KEYPAD = 0x47
};

/* From key 0 to the space bar; 0 where a key types nothing. Backspace sends DEL, as terminals do.
 */
static const char plain[] = "\0\033" /* Escape */
                            "1234567890-=\177"
                            "\tqwertyuiop[]\r"
                            "\0asdfghjkl;'`"
                            "\0\\zxcvbnm,./\0"
                            "*\0 ";
static const char shifted[] = "\0\033"
                              "!@#$%^&*()_+\177"
                              "\tQWERTYUIOP{}\r"
                              "\0ASDFGHJKL:\"~"
                              "\0|ZXCVBNM<>?\0"
                              "*\0 ";

#define KEYS (sizeof plain - 1)
_Static_assert(KEYS == 0x3a && sizeof shifted == sizeof plain, "up to the space bar");

/* The keypad, and the grey keys beside it, which send the same numbers after 0xe0. What moves the
 * cursor is sent as ESC [ and this: Home, Up, Page Up, Left, Right, End, Down, Page Down, Insert,
 * Delete. (xterm's control sequences.) */
static const char digits[] = "789-456+1230.";
static const char *const moves[] = {"H",  "A", "5~", NULL, "D",  NULL, "C",
                                    NULL, "F", "B",  "6~", "2~", "3~"};

#define KEYPAD_KEYS (sizeof digits - 1)
_Static_assert(sizeof moves / sizeof moves[0] == KEYPAD_KEYS, "one for each key");

static void hold(uint8_t *keys, unsigned bit, bool down)
{
    *keys = (uint8_t)((*keys & ~(1u << bit)) | (unsigned)down << bit);
}

static void lock(struct keymap_lock *lock, bool down)
{
    lock->on ^= down && !lock->held;
    lock->held = down;
}

/* True iff the key is a modifier. An extended shift is one that the keyboard only makes up. */
static bool modify(struct keymap *keymap, uint8_t key, bool extended, bool down)
{
    if (key == CONTROL)
        hold(&keymap->control, extended, down);
    else if ((key == LEFT_SHIFT || key == RIGHT_SHIFT) && !extended)
        hold(&keymap->shift, key == RIGHT_SHIFT, down);
    else if (key == CAPS_LOCK)
        lock(&keymap->caps, down);
    else if (key == NUM_LOCK)
        lock(&keymap->num, down);
    else
        return false;
    return true;
}

static bool is_letter(char character)
{
    return (character | 0x20) >= 'a' && (character | 0x20) <= 'z';
}

/* One of the keys from Escape to the space bar. */
static char character_of(const struct keymap *keymap, uint8_t key)
{
    char character = keymap->shift != 0 ? shifted[key] : plain[key];
    if (keymap->control != 0 && (is_letter(character) || (character > 'Z' && character <= '_')))
        return character & 0x1f;
    return keymap->caps.on && is_letter(character) ? (char)(character ^ 0x20) : character;
}

static size_t type(char text[KEYMAP_TEXT_MAX], char character)
{
    text[0] = character;
    return character != '\0';
}

static size_t type_keypad(const struct keymap *keymap, unsigned key, bool extended,
                          char text[KEYMAP_TEXT_MAX])
{
    bool digit = !extended && keymap->num.on != (keymap->shift != 0);
    if (digit || moves[key] == NULL)
        return type(text, digits[key]);
    size_t length = strlen(moves[key]);
    text[0] = '\033';
    text[1] = '[';
    memcpy(text + 2, moves[key], length);
    return 2 + length;
}

size_t keymap_take(struct keymap *keymap, uint8_t code, char text[KEYMAP_TEXT_MAX])
{
    if (code == PAUSE && keymap->to_skip == 0)
        keymap->to_skip = PAUSE_CODES;
    if (keymap->to_skip > 0) {
        keymap->to_skip--;
        return 0;
    }
    bool extended = keymap->extended, down = !(code & RELEASED);
    uint8_t key = code & ~RELEASED;
    keymap->extended = code == EXTENDED;
    if (code == EXTENDED || modify(keymap, key, extended, down) || !down)
        return 0;
    if (key >= KEYPAD && key < KEYPAD + KEYPAD_KEYS)
        return type_keypad(keymap, key - KEYPAD, extended, text);
    if (key >= KEYS || (extended && key != ENTER && key != SLASH))
        return 0;
    return type(text, extended ? plain[key] : character_of(keymap, key));
}

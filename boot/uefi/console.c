/* SPDX-License-Identifier: MIT */
/*
 * The loader's voice: takes formatted text, gives whole lines on the firmware's console, and waits
 * for a key so that the last of them can be read.
 */
#include <stdarg.h>
#include "boot/uefi/loader.h"
#include "lib/format.h"

#define LINE_MAX 256

#define WAIT_SECONDS     10
#define POLLS_PER_SECOND 20
#define MICROSECONDS     1000000

static void print_text(const char *text)
{
    CHAR16 wide[LINE_MAX];
    size_t length = 0;
    for (; text[length] != '\0' && length < LINE_MAX - 1; length++)
        wide[length] = (unsigned char)text[length];
    wide[length] = 0;
    firmware->ConOut->OutputString(firmware->ConOut, wide);
}

static void print_line(const char *head, const char *format, va_list arguments)
{
    char text[LINE_MAX];
    format_text_v(text, sizeof text, format, arguments);
    print_text(head);
    print_text(text);
    print_text("\r\n");
}

/* Prints one line. */
void console_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("loam: ", format, arguments);
    va_end(arguments);
}

/* Prints one line that says what is wrong and what to do. Returns `status`. */
EFI_STATUS console_error(EFI_STATUS status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("loam: error: ", format, arguments);
    va_end(arguments);
    return status;
}

/* Returns at a key or after WAIT_SECONDS: what the firmware does next may clear the screen. */
void console_wait(void)
{
    SIMPLE_INPUT_INTERFACE *input = firmware->ConIn;
    console_print("returning to the firmware in %d seconds, or at a key", WAIT_SECONDS);
    if (input != NULL)
        input->Reset(input, FALSE);
    for (int poll = 0; poll < WAIT_SECONDS * POLLS_PER_SECOND; poll++) {
        EFI_INPUT_KEY key;
        if (input != NULL && input->ReadKeyStroke(input, &key) == EFI_SUCCESS)
            return;
        services->Stall(MICROSECONDS / POLLS_PER_SECOND);
    }
}

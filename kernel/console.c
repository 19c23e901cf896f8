/* SPDX-License-Identifier: MIT */
/* The console over its outputs; the serial port is one of them. */
#include "kernel/console.h"

#include "kernel/arch/x86_64/pic.h"
#include "kernel/arch/x86_64/serial.h"
#include "lib/format.h"

static console_output *outputs[CONSOLE_OUTPUTS_MAX];
static size_t output_count;

static void serial_output(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            serial_put('\r');
        serial_put(text[i]);
    }
}

void console_add(console_output *output)
{
    if (output_count < CONSOLE_OUTPUTS_MAX)
        outputs[output_count++] = output;
}

void console_init(void)
{
    if (serial_init())
        console_add(serial_output);
}

void console_write(const char *text, size_t length)
{
    for (size_t i = 0; i < output_count; i++)
        outputs[i](text, length);
}

static void sink(void *context, const char *text, size_t length)
{
    (void)context;
    console_write(text, length);
}

void console_print_v(const char *format, va_list arguments)
{
    format_to(sink, NULL, format, arguments);
}

void console_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    console_print_v(format, arguments);
    va_end(arguments);
}

char console_get(void)
{
    int character = serial_get();
    while (character < 0) {
        pic_idle();
        character = serial_get();
    }
    return (char)character;
}

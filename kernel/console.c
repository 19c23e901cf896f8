/* SPDX-License-Identifier: MIT */
/* The console over its outputs and inputs; the serial port is one of each. */
#include "kernel/console.h"

#include "kernel/arch/x86_64/pic.h"
#include "kernel/arch/x86_64/serial.h"
#include "lib/format.h"

static console_output *outputs[CONSOLE_OUTPUTS_MAX];
static size_t output_count;
static console_output *filter_now; /* or NULL */

static struct {
    console_input *get;
    struct console_view view;
} inputs[CONSOLE_INPUTS_MAX];
static size_t input_count;
static size_t last_input; /* the one that had the last character */

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

void console_add_input(console_input *input, struct console_view view)
{
    if (input_count == CONSOLE_INPUTS_MAX)
        return;
    inputs[input_count].get = input;
    inputs[input_count++].view = view;
}

void console_init(void)
{
    if (!serial_init())
        return;
    console_add(serial_output);
    console_add_input(serial_get, (struct console_view){0});
}

void console_filter(console_output *filter)
{
    filter_now = filter;
}

void console_write(const char *text, size_t length)
{
    console_output *show = filter_now != NULL ? filter_now : console_show;
    show(text, length);
}

void console_show(const char *text, size_t length)
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

/* Asks every input once. */
static int poll(void)
{
    int character = -1;
    for (size_t i = 0; i < input_count && character < 0; i++) {
        character = inputs[i].get();
        last_input = character < 0 ? last_input : i;
    }
    return character;
}

char console_get(void)
{
    int character = poll();
    while (character < 0) {
        pic_idle();
        character = poll();
    }
    return (char)character;
}

struct console_view console_view(void)
{
    return inputs[last_input].view;
}

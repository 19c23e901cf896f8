/* SPDX-License-Identifier: MIT */
/* The console over its outputs and inputs; the serial port is one of each. */
#include "kernel/console.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/idle.h"
#include "kernel/arch/x86_64/serial.h"
#include "kernel/lock.h"
#include "lib/format.h"

static console_output *outputs[CONSOLE_OUTPUTS_MAX];
static size_t output_count;
static console_output *filter_now; /* or NULL */
static struct lock lock;           /* of the outputs */
static bool is_seized;

static struct {
    console_input *get;
    struct console_view view;
} inputs[CONSOLE_INPUTS_MAX];
static size_t input_count;
static size_t last_input; /* the one that had the last character given out */

/* Typed and not given out yet: [read, written), counted for ever. Only the boot CPU touches it,
 * with interrupts off. */
#define TYPED_MAX 256
static struct {
    struct key {
        char character;
        uint8_t input;
    } key[TYPED_MAX];
    size_t read, written;
} typed;

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
    lock_init(&lock, "console", LOCK_CONSOLE);
    if (!serial_init())
        return;
    console_add(serial_output);
    console_add_input(serial_get, (struct console_view){0});
}

void console_filter(console_output *filter)
{
    filter_now = filter;
}

void console_seize(void)
{
    filter_now = NULL;
    is_seized = true;
}

/* It may wait for a key. */
static bool may_filter(void)
{
    return filter_now != NULL && cpu_id() == 0 && percpu_this()->interrupts == 0;
}

void console_write(const char *text, size_t length)
{
    console_output *output = may_filter() ? filter_now : console_show;
    output(text, length);
}

static void show(const char *text, size_t length)
{
    for (size_t i = 0; i < output_count; i++)
        outputs[i](text, length);
}

void console_show(const char *text, size_t length)
{
    if (is_seized) {
        show(text, length);
        return;
    }
    bool were_on = lock_take_irq(&lock);
    show(text, length);
    lock_release_irq(&lock, were_on);
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

/* What the input number i has is taken, until it has no more. */
static void take_from(size_t i)
{
    int character = 0;
    while (typed.written - typed.read < TYPED_MAX && character >= 0) {
        character = inputs[i].get();
        if (character >= 0)
            typed.key[typed.written++ % TYPED_MAX] = (struct key){(char)character, (uint8_t)i};
    }
}

/* Precondition: interrupts are off. */
void console_take_input(void)
{
    for (size_t i = 0; i < input_count; i++)
        take_from(i);
}

/* Asking once before sleeping finds what came without an interrupt, or while there was no room. */
char console_get(void)
{
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_off();
    console_take_input();
    while (typed.read == typed.written)
        idle_sleep();
    struct key key = typed.key[typed.read++ % TYPED_MAX];
    last_input = key.input;
    if (were_on)
        asm_interrupts_on();
    return key.character;
}

struct console_view console_view(void)
{
    return inputs[last_input].view;
}

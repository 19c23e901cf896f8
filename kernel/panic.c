/* SPDX-License-Identifier: MIT */
/* The end of the kernel, or of what fault_try() tried. */
#include "kernel/panic.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/power.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/fault.h"
#include "lib/format.h"

static int depth; /* panics under way: a panic may itself go wrong */

_Noreturn void panic_stop(void)
{
    power_off(POWER_PANIC);
}

void panic_begin(const char *reason)
{
    if (++depth > 1)
        panic_stop();
    console_filter(NULL);
    console_print("\npanic: %s\n", reason);
}

_Noreturn void panic_v(const char *format, va_list arguments)
{
    const uintptr_t *frame = __builtin_frame_address(0);
    char reason[160];
    format_text_v(reason, sizeof reason, format, arguments);
    fault_deliver_panic(reason, frame[1]);
    panic_begin(reason);
    backtrace_print((uintptr_t)frame);
    panic_stop();
}

/* Called by what the compiler put at the end of a function whose frame has lost its canary. */
_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    panic("a variable on the stack has overflowed: the canary behind it is dead");
}

_Noreturn void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    panic_v(format, arguments);
}

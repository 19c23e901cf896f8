/* SPDX-License-Identifier: MIT */
/* The end of the kernel, or of what fault_try() tried. */
#include "kernel/panic.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/fault.h"
#include "lib/format.h"

static uint32_t teller = PANIC_NOBODY; /* the CPU that panics: the first one; atomic */
static void (*stop_others)(void);

void panic_set_stopper(void (*function)(void))
{
    stop_others = function;
}

uint32_t panic_teller(void)
{
    return __atomic_load_n(&teller, __ATOMIC_ACQUIRE);
}

_Noreturn void panic_stop(void)
{
    power_off(POWER_PANIC);
}

void panic_begin(const char *reason)
{
    uint32_t first = PANIC_NOBODY;
    asm_interrupts_off();
    if (!__atomic_compare_exchange_n(&teller, &first, cpu_id(), false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (first == cpu_id())
            panic_stop(); /* a panic may itself go wrong */
        asm_halt();       /* another CPU has the word */
    }
    if (stop_others != NULL)
        stop_others();
    console_seize();
    console_print("\npanic: %s\n", reason);
    if (percpu_count() > 1)
        console_print("  on CPU %u\n", cpu_id());
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

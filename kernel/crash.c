/* SPDX-License-Identifier: MIT */
/* One small function for each misfortune. */
#include "kernel/crash.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/console.h"
#include "kernel/panic.h"
#include "lib/string.h"

static void null_pointer(void *unused)
{
    (void)unused;
    volatile char *null = NULL;
    __asm__("" : "+r"(null)); /* or the compiler, seeing the null, drops the rest */
    *null = 1;
}

static void write_text(void *unused)
{
    (void)unused;
    *(volatile char *)image_start = 0;
}

static void write_rodata(void *unused)
{
    (void)unused;
    *(volatile char *)image_text_end = 0;
}

/* Data holding a `ret`. */
static char code[] = {(char)0xc3};

static void execute_data(void *unused)
{
    (void)unused;
    void (*function)(void) = (void (*)(void))(uintptr_t)code;
    __asm__("" : "+r"(function));
    function();
}

static unsigned recurse(volatile unsigned depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    return depth == UINT32_MAX ? (unsigned)frame[0] : recurse(depth + 1) + (unsigned)frame[0];
}

static void overflow_stack(void *unused)
{
    (void)unused;
    recurse(0);
}

/* Writes one byte beyond an array, into the canary. */
static void smash_stack(void *unused)
{
    (void)unused;
    char array[24]; /* leaves no gap before the canary */
    volatile char *byte = array;
    __asm__("" : "+r"(byte)); /* or the compiler sees it coming */
    for (size_t i = 0; i <= sizeof array; i++)
        byte[i] = 'x';
}

static void invalid_opcode(void *unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

static void divide(void *unused)
{
    (void)unused;
    __asm__ volatile("xorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx"
                     :
                     : "a"(1)
                     : "ecx", "edx");
}

static void protection(void *unused)
{
    (void)unused;
    *(volatile char *)0x8000000000000000 = 0; /* not canonical */
}

/* Without an IDT no exception can be delivered, nor the double fault that reports that. */
static void triple_fault(void *unused)
{
    (void)unused;
    static const char empty[10];
    __asm__ volatile("lidt %0\n\tud2" : : "m"(empty));
}

static void stop_everybody(void)
{
    apic_send_nmi_to_others();
    apic_send_nmi(apic_id());
}

/* The CPU that tells of its panic is hit by an NMI, as when the machine is broken, too. */
static void nmi_in_panic(void *unused)
{
    (void)unused;
    if (apic_is_in_use())
        panic_set_stopper(stop_everybody);
    panic("an NMI does not keep it from being told");
}

static void hang(void *unused)
{
    (void)unused;
    for (;;)
        __asm__ volatile("pause");
}

static const struct crash kinds[] = {
    {"null", null_pointer},   {"text", write_text},      {"rodata", write_rodata},
    {"exec", execute_data},   {"stack", overflow_stack}, {"ud", invalid_opcode},
    {"smash", smash_stack},   {"divide", divide},        {"protection", protection},
    {"triple", triple_fault}, {"nmi", nmi_in_panic},     {"hang", hang},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

extern const struct crash *const crash_first[], *const crash_end[]; /* linker.ld */

crash_function *crash_find(const char *kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].function;
    for (const struct crash *const *more = crash_first; more < crash_end; more++)
        if (strcmp((*more)->kind, kind) == 0)
            return (*more)->function;
    return NULL;
}

bool crash_run(const char *kind)
{
    crash_function *function = crash_find(kind);
    if (function != NULL) {
        function(NULL);
        console_print("crash: \"%s\" was not noticed by this build\n", kind);
        return false;
    }
    console_print("crash: the kinds are");
    for (size_t i = 0; i < KINDS; i++)
        console_print(" %s", kinds[i].kind);
    for (const struct crash *const *more = crash_first; more < crash_end; more++)
        console_print(" %s", (*more)->kind);
    console_print("\n");
    return false;
}

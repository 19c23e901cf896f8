/* SPDX-License-Identifier: MIT */
/* What the kernel does about exceptions: tells the story, and recovers the expected ones. */
#include "kernel/arch/x86_64/percpu_heap.h"
#include "kernel/fault.h"

#include <stddef.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/context.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "lib/format.h"
#include "lib/string.h"

enum { ERROR_PRESENT = 1, ERROR_WRITE = 2, ERROR_USER = 4, ERROR_RESERVED = 8, ERROR_FETCH = 16 };

/* A fault_try(); each CPU has its own. */
struct attempt {
    struct context context;
    struct fault *fault;
    struct attempt *outer;
    /* As at the beginning: */
    struct lock *held; /* the innermost lock */
    bool interrupts_were_on;
    uint32_t interrupts, nmis; /* being handled */
};

/* Gives back what the abandoned function had taken. */
static void clean_up(const struct attempt *abandoned)
{
    percpu_set_interrupts(percpu_this(), abandoned->interrupts);
    percpu_this()->nmis = abandoned->nmis;
    lock_release_down_to(abandoned->held);
    if (abandoned->interrupts_were_on)
        asm_interrupts_on();
}

bool fault_try(void (*function)(void *), void *argument, struct fault *fault)
{
    struct percpu *area = percpu_this();
    struct attempt this = {.fault = fault,
                           .outer = area->attempt,
                           .held = lock_held(),
                           .interrupts_were_on = asm_interrupts_are_on(),
                           .interrupts = area->interrupts,
                           .nmis = area->nmis};
    bool returned = context_save(&this.context) == 0;
    if (returned) {
        area->attempt = &this;
        function(argument);
    }
    area->attempt = this.outer;
    if (!returned)
        clean_up(&this);
    return returned;
}

static _Noreturn void deliver(const struct fault *fault)
{
    struct attempt *attempt = percpu_this()->attempt;
    *attempt->fault = *fault;
    context_restore(&attempt->context, 1);
}

void fault_deliver_panic(const char *reason, uintptr_t caller)
{
    if (percpu_this()->attempt == NULL)
        return;
    struct fault fault = {.vector = FAULT_PANIC, .rip = caller};
    format_text(fault.reason, sizeof fault.reason, "%s", reason);
    deliver(&fault);
}

static const char *const names[TRAP_EXCEPTIONS] = {
    [0] = "division error",
    [1] = "debug exception",
    [2] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound exceeded",
    [6] = "invalid opcode",
    [7] = "no floating point unit",
    [8] = "double fault",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack segment fault",
    [13] = "general protection fault",
    [14] = "page fault",
    [16] = "floating point error",
    [17] = "misaligned access",
    [18] = "machine check",
    [19] = "SIMD floating point error",
    [21] = "control protection fault",
};

static const char *access_name(uint64_t error)
{
    if (error & ERROR_FETCH)
        return "executing";
    return error & ERROR_WRITE ? "writing" : "reading";
}

/* Why the CPU refused. */
static const char *cause(uint64_t address, uint64_t error)
{
    if (error & ERROR_RESERVED)
        return "a page table entry there has reserved bits set";
    if (!(error & ERROR_PRESENT))
        return address < 4096 ? "a null pointer" : "nothing is mapped there, or no access allowed";
    if (!(error & ERROR_USER) && (intptr_t)address >= 0)
        return "a user page, which is not the kernel's to touch";
    if (error & ERROR_FETCH)
        return "the page is not executable";
    return error & ERROR_WRITE ? "the page is read-only" : "the page may not be read";
}

static void describe_page_fault(struct fault *fault)
{
    struct stack stack;
    if (stack_find(fault->address, &stack) && fault->address < stack.low)
        format_text(fault->reason, sizeof fault->reason,
                    "page fault %s 0x%lx: the guard page of the %s stack of CPU %u",
                    access_name(fault->error), fault->address, stack.name, stack.cpu);
    else
        format_text(fault->reason, sizeof fault->reason, "page fault %s 0x%lx: %s",
                    access_name(fault->error), fault->address, cause(fault->address, fault->error));
}

#define AT_STACK_END 512 /* an exception that finds no room is at most so far from the end */

/* Where a stack ends, the CPU cannot even report a page fault: it becomes a double fault, and cr2
 * still names the guard page. */
static void describe_double_fault(struct fault *fault, uint64_t rsp)
{
    struct stack stack;
    bool at_end = stack_find(rsp, &stack) && rsp < stack.low + AT_STACK_END;
    if (at_end && fault->address - (stack.low - STACK_GUARD_SIZE) < STACK_GUARD_SIZE)
        format_text(fault->reason, sizeof fault->reason,
                    "double fault: the %s stack of CPU %u has overflowed into its guard page at "
                    "0x%lx",
                    stack.name, stack.cpu, fault->address);
    else
        format_text(fault->reason, sizeof fault->reason, "double fault");
}

static struct fault describe(const struct trap_frame *frame)
{
    struct fault fault = {
        .vector = (unsigned)frame->vector, .error = frame->error, .rip = frame->rip};
    if (frame->vector == TRAP_PAGE_FAULT || frame->vector == TRAP_DOUBLE_FAULT)
        fault.address = asm_read_cr2();
    if (frame->vector == TRAP_PAGE_FAULT)
        describe_page_fault(&fault);
    else if (frame->vector == TRAP_DOUBLE_FAULT)
        describe_double_fault(&fault, frame->rsp);
    else
        format_text(fault.reason, sizeof fault.reason, "%s",
                    names[frame->vector] != NULL ? names[frame->vector] : "reserved exception");
    return fault;
}

static void print_registers(const struct trap_frame *frame)
{
    console_print("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", frame->rax, frame->rbx,
                  frame->rcx, frame->rdx);
    console_print("  rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", frame->rsi, frame->rdi,
                  frame->rbp, frame->rsp);
    console_print("  r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", frame->r8, frame->r9,
                  frame->r10, frame->r11);
    console_print("  r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", frame->r12, frame->r13,
                  frame->r14, frame->r15);
    console_print("  cs %02lx  ss %02lx  rflags %lx  cr2 %lx  cr3 %lx  error %lx\n", frame->cs,
                  frame->ss, frame->rflags, asm_read_cr2(), asm_read_cr3(), frame->error);
}

void fault_handle(struct trap_frame *frame)
{
    struct fault fault = describe(frame);
    /* An NMI is nobody's fault; a machine check is not to be recovered from. */
    bool expected = frame->vector != TRAP_NMI && frame->vector != TRAP_MACHINE_CHECK;
    if (percpu_this()->attempt != NULL && expected)
        deliver(&fault);
    panic_begin(fault.reason);
    console_print("  at ");
    backtrace_print_address(frame->rip);
    console_print("\n");
    print_registers(frame);
    backtrace_print_interrupted(frame->rip, frame->rsp, frame->rbp);
    panic_stop();
}

void fault_init(void)
{
    for (unsigned vector = 0; vector < TRAP_EXCEPTIONS; vector++)
        trap_handle(vector, fault_handle);
}

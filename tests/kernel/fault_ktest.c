/* SPDX-License-Identifier: MIT */
/* Provoked faults are reported for what they are, and survived. */
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/crash.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/memlayout.h"
#include "kernel/panic.h"
#include "lib/string.h"

static bool contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++)
        if (strncmp(text, part, strlen(part)) == 0)
            return true;
    return false;
}

/* Provokes `kind` and checks the vector and a part of the report. */
static struct fault provoke(const char *kind, unsigned vector, const char *part)
{
    struct fault fault;
    KTEST_CHECK(!fault_try(crash_find(kind), NULL, &fault));
    KTEST_CHECK(fault.vector == vector);
    KTEST_CHECK(contains(fault.reason, part));
    return fault;
}

KTEST(fault, writing_to_null_is_a_page_fault)
{
    struct fault fault = provoke("null", TRAP_PAGE_FAULT, "writing 0x0: a null pointer");
    KTEST_CHECK(fault.address == 0);
    KTEST_CHECK(image_is_text(fault.rip));
}

KTEST(fault, text_cannot_be_written)
{
    struct fault fault = provoke("text", TRAP_PAGE_FAULT, "the page is read-only");
    KTEST_CHECK(fault.address == (uintptr_t)image_start);
}

KTEST(fault, rodata_cannot_be_written)
{
    provoke("rodata", TRAP_PAGE_FAULT, "the page is read-only");
}

KTEST(fault, data_cannot_be_executed)
{
    if (!cpu.nx)
        ktest_skip("this CPU has no no-execute bit");
    struct fault fault = provoke("exec", TRAP_PAGE_FAULT, "the page is not executable");
    KTEST_CHECK(fault.address == fault.rip);
}

static void execute_direct_map(void *unused)
{
    (void)unused;
    void (*function)(void) = (void (*)(void))(MEMLAYOUT_DIRECT_MAP_START + 0x1000);
    function();
}

KTEST(fault, direct_map_cannot_be_executed)
{
    if (!cpu.nx)
        ktest_skip("this CPU has no no-execute bit");
    struct fault fault;
    KTEST_CHECK(!fault_try(execute_direct_map, NULL, &fault));
    KTEST_CHECK(contains(fault.reason, "the page is not executable"));
}

KTEST(fault, stack_overflow_is_a_double_fault_that_names_the_stack)
{
    struct fault fault =
        provoke("stack", TRAP_DOUBLE_FAULT, "the boot stack of CPU 0 has overflowed");
    KTEST_CHECK(fault.address < stack_get(0, STACK_MAIN).low);
    KTEST_CHECK(fault.address >= stack_get(0, STACK_MAIN).low - STACK_GUARD_SIZE);
}

static void touch(void *address)
{
    *(volatile char *)address = 1;
}

KTEST(fault, guard_page_of_every_stack_is_reported_with_its_name)
{
    for (unsigned i = 0; i < STACK_KINDS; i++) {
        struct stack stack = stack_get(0, i);
        struct fault fault;
        KTEST_CHECK(!fault_try(touch, (void *)(stack.low - 1), &fault));
        KTEST_CHECK(fault.vector == TRAP_PAGE_FAULT);
        KTEST_CHECK(contains(fault.reason, "guard page"));
        KTEST_CHECK(contains(fault.reason, stack.name));
        if (i != STACK_MAIN) /* that is the one that this runs on */
            KTEST_CHECK(fault_try(touch, (void *)stack.low, &fault));
    }
}

KTEST(fault, division_by_zero_is_reported)
{
    provoke("divide", TRAP_DIVIDE, "division error");
}

KTEST(fault, invalid_opcode_is_reported)
{
    provoke("ud", TRAP_INVALID_OPCODE, "invalid opcode");
}

KTEST(fault, address_that_cannot_exist_is_a_protection_fault)
{
    provoke("protection", TRAP_PROTECTION, "general protection fault");
}

KTEST(fault, machine_checks_are_reported_instead_of_resetting)
{
    if (!cpu.machine_check)
        ktest_skip("this CPU has no machine checks");
    KTEST_CHECK(asm_read_cr4() & (uint64_t)1 << 6);
}

static void give_up(void *reason)
{
    panic("%s", (const char *)reason);
}

KTEST(fault, panic_in_an_attempt_is_delivered)
{
    struct fault fault;
    KTEST_CHECK(!fault_try(give_up, "of no use", &fault));
    KTEST_CHECK(fault.vector == FAULT_PANIC);
    KTEST_CHECK(strcmp(fault.reason, "of no use") == 0);
}

static void nest(void *unused)
{
    (void)unused;
    provoke("ud", TRAP_INVALID_OPCODE, "invalid opcode");
    crash_find("divide")(NULL);
}

KTEST(fault, attempts_nest)
{
    struct fault fault;
    KTEST_CHECK(!fault_try(nest, NULL, &fault));
    KTEST_CHECK(fault.vector == TRAP_DIVIDE);
    KTEST_CHECK(fault_try(touch, &fault, &fault));
}

/* SPDX-License-Identifier: MIT */
/*
 * Each protection is attacked, and the fault seen that it is there for; docs/protections.md lists
 * them. A user page that is in the way of a later test is taken away by the test that put it there,
 * passed or not: what may fault runs inside fault_try().
 */
#include <machine.h>
#include <stddef.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/crash.h"
#include "kernel/fault.h"
#include "kernel/irq.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "kernel/nmi.h"
#include "kernel/smp.h"
#include "lib/string.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/user.h"

/* The error code of a page fault. */
enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16 };

/* --- attacks -----------------------------------------------------------------------------------*/

static void read(void *address)
{
    (void)*(volatile char *)address;
}

static void write(void *address)
{
    volatile char *byte = address;
    *byte = *byte;
}

static void store(void *address)
{
    *(volatile char *)address = 0;
}

static void execute(void *address)
{
    ((void (*)(void))(uintptr_t)address)();
}

/* What became of it; vector 0 and a "fault" of no reason if nothing did. */
static struct fault attack(void (*how)(void *), const void *address)
{
    struct fault fault = {0};
    if (fault_try(how, (void *)(uintptr_t)address, &fault))
        fault = (struct fault){0};
    return fault;
}

static bool is_page_fault(struct fault fault, uint64_t error, const void *address)
{
    return fault.vector == TRAP_PAGE_FAULT && fault.error == error &&
           fault.address == (uintptr_t)address;
}

static void check_page_fault(void (*how)(void *), const void *address, uint64_t error)
{
    KTEST_CHECK(is_page_fault(attack(how, address), error, address));
}

/* --- control bits ------------------------------------------------------------------------------*/

/* What the CPU has is on. */
static void check_protections(void *result)
{
    struct cpu_protections on = cpu_protections();
    *(bool *)result = on.write_protect && on.nx == cpu.nx && on.smep == cpu.smep &&
                      on.smap == cpu.smap && on.umip == cpu.umip;
}

KTEST(protection, every_cpu_turns_on_what_it_has)
{
    for (unsigned i = 0; i < percpu_count(); i++) {
        bool are_on = false;
        if (i == cpu_id()) {
            check_protections(&are_on);
        } else if (smp_is_online(i)) {
            smp_start(i, check_protections, &are_on);
            smp_wait(i);
        } else {
            continue;
        }
        KTEST_CHECK(are_on);
    }
}

/* --- no-execute and W^X ------------------------------------------------------------------------*/

KTEST(protection, nothing_but_text_can_be_executed)
{
    if (!cpu.nx)
        ktest_skip("this CPU has no no-execute bit");
    char on_stack[16] = {(char)0xc3};
    char *block = kmalloc(64, KM_ZERO);
    static char in_bss[16];
    struct fault heap = attack(execute, block);
    KTEST_CHECK(is_page_fault(heap, PRESENT | FETCH, block));
    kfree(block);
    check_page_fault(execute, on_stack, PRESENT | FETCH);
    check_page_fault(execute, in_bss, PRESENT | FETCH);
    check_page_fault(execute, image_text_end, PRESENT | FETCH);
    check_page_fault(execute, image_rodata_end, PRESENT | FETCH);
}

KTEST(protection, ring_0_cannot_write_text_and_rodata)
{
    for (const char *page = image_start; page < image_rodata_end; page += PAGE_SIZE)
        check_page_fault(write, page, PRESENT | WRITE);
}

/* The direct map shows all RAM but the image. */
KTEST(protection, image_has_no_alias_in_the_direct_map)
{
    for (const char *page = image_start; page < image_end; page += PAGE_SIZE) {
        phys_t phys;
        if (!paging_translate(kspace_paging(), (uintptr_t)page, &phys))
            continue; /* a guard page */
        check_page_fault(read, machine_phys_to_virt(phys), 0);
        check_page_fault(write, machine_phys_to_virt(phys), 0);
    }
}

/* --- what is not mapped ------------------------------------------------------------------------*/

KTEST(protection, page_0_cannot_be_touched)
{
    check_page_fault(read, NULL, 0);
    check_page_fault(read, (const void *)(PAGE_SIZE - 1), 0);
    check_page_fault(execute, NULL, cpu.nx || cpu.smep ? FETCH : 0);
}

KTEST(protection, stacks_of_every_cpu_end_in_guards)
{
    for (unsigned i = 0; i < percpu_count(); i++) {
        for (unsigned kind = 0; kind < STACK_KINDS; kind++) {
            const char *low = (const char *)stack_get(i, kind).low;
            check_page_fault(read, low - 1, 0);
            check_page_fault(read, low - STACK_GUARD_SIZE, 0);
            KTEST_CHECK(attack(read, low).vector == 0);
        }
    }
}

/* --- sealed data -------------------------------------------------------------------------------*/

struct table {
    uint16_t limit;
    const void *base;
} __attribute__((packed));

KTEST(protection, descriptor_tables_are_sealed)
{
    struct table idt, gdt;
    __asm__ volatile("sidt %0\n\tsgdt %1" : "=m"(idt), "=m"(gdt));
    check_page_fault(write, idt.base, PRESENT | WRITE);
    check_page_fault(write, (const char *)idt.base + idt.limit, PRESENT | WRITE);
    check_page_fault(write, gdt.base, PRESENT | WRITE);
    check_page_fault(write, (const char *)gdt.base + gdt.limit, PRESENT | WRITE);
}

KTEST(protection, sealed_data_can_be_read_but_not_written)
{
    check_page_fault(write, &cpu, PRESENT | WRITE);
    for (const char *page = image_rodata_end; page < image_sealed_end; page += PAGE_SIZE) {
        KTEST_CHECK(attack(read, page).vector == 0);
        check_page_fault(write, page, PRESENT | WRITE);
    }
}

KTEST(protection, audit_finds_a_broken_seal)
{
    uintptr_t page = (uintptr_t)image_rodata_end;
    unsigned sealed = PAGE_READ | PAGE_GLOBAL;
    KTEST_CHECK(paging_protect(kspace_paging(), page, PAGE_SIZE, sealed | PAGE_WRITE) == 0);
    size_t violations = kspace_audit(ktest_report);
    KTEST_CHECK(paging_protect(kspace_paging(), page, PAGE_SIZE, sealed) == 0);
    KTEST_CHECK(violations == 1);
}

/* --- ring 0 and user pages ---------------------------------------------------------------------*/

/* Programs for ring 3, to be copied there. What returns from one is an invalid opcode. */
#define PROGRAM(name, text)                                                                     \
    __asm__(".pushsection .rodata\n" #name ": " text "\n\tud2\n" #name "_end:\n\t.popsection"); \
    extern const char name[], name##_end[]

PROGRAM(user_return, "ret");
PROGRAM(user_read, "movb (%rdi), %al");
PROGRAM(user_write, "movb %al, (%rdi)");
PROGRAM(user_jump, "jmp *%rdi");

static bool is_said_of_user_page(struct fault fault)
{
    const char *end = "a user page, which is not the kernel's to touch";
    return strcmp(fault.reason + strlen(fault.reason) - strlen(end), end) == 0;
}

KTEST(protection, smep_keeps_ring_0_from_executing_user_pages)
{
    if (!cpu.smep)
        ktest_skip("this CPU has no SMEP");
    user_map(user_return, user_return_end);
    struct fault fault = attack(execute, (void *)USER_CODE);
    user_unmap();
    KTEST_CHECK(is_page_fault(fault, PRESENT | FETCH, (void *)USER_CODE));
    KTEST_CHECK(is_said_of_user_page(fault));
}

KTEST(protection, smap_keeps_ring_0_from_touching_user_pages)
{
    if (!cpu.smap)
        ktest_skip("this CPU has no SMAP");
    user_map(user_return, user_return_end);
    struct fault reading = attack(read, (void *)USER_STACK);
    asm_user_access_begin();
    struct fault allowed = attack(write, (void *)USER_STACK);
    asm_user_access_end();
    struct fault writing = attack(store, (void *)USER_STACK);
    user_unmap();
    KTEST_CHECK(is_page_fault(reading, PRESENT, (void *)USER_STACK));
    KTEST_CHECK(is_said_of_user_page(reading));
    KTEST_CHECK(allowed.vector == 0);
    KTEST_CHECK(is_page_fault(writing, PRESENT | WRITE, (void *)USER_STACK));
}

static uint64_t flags_in_trap;

static uint64_t flags(void)
{
    uint64_t value;
    __asm__ volatile("pushfq; popq %0" : "=r"(value));
    return value;
}

static void note_flags(struct trap_frame *frame)
{
    (void)frame;
    flags_in_trap = flags();
}

/* Ring 3 can set the flag, too. */
KTEST(protection, traps_begin_with_user_access_off)
{
    const uint64_t ac = (uint64_t)1 << 18;
    if (!cpu.smap)
        ktest_skip("this CPU has no SMAP");
    trap_handler *before = trap_handle(TRAP_BREAKPOINT, note_flags);
    asm_user_access_begin();
    __asm__ volatile("int3" : : : "memory");
    uint64_t flags_after = flags();
    asm_user_access_end();
    trap_handle(TRAP_BREAKPOINT, before);
    KTEST_CHECK((flags_in_trap & ac) == 0);
    KTEST_CHECK((flags_after & ac) != 0);
    KTEST_CHECK((flags() & ac) == 0);
}

/* --- ring 3 ------------------------------------------------------------------------------------*/

static struct fault run(const char *start, const char *end, const void *argument)
{
    user_map(start, end);
    struct fault fault = user_run((uintptr_t)argument);
    user_unmap();
    return fault;
}

#define RUN(program, argument) run(program, program##_end, argument)

KTEST(protection, ring_3_runs_and_comes_back)
{
    const void *stack = (void *)USER_STACK;
    struct fault fault = RUN(user_write, stack);
    KTEST_CHECK(fault.vector == TRAP_INVALID_OPCODE);
    KTEST_CHECK(fault.rip >= USER_CODE && fault.rip < USER_CODE + PAGE_SIZE);
    fault = RUN(user_read, stack);
    KTEST_CHECK(fault.vector == TRAP_INVALID_OPCODE);
    KTEST_CHECK(percpu_this() == percpu_get(cpu_id()));
}

KTEST(protection, ring_3_cannot_reach_the_kernel)
{
    const void *direct_map = machine_phys_to_virt((phys_t){2 * MIB - PAGE_SIZE});
    const void *targets[] = {image_start, image_text_end, image_sealed_end, percpu_this(),
                             direct_map};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        uint64_t present = attack(read, targets[i]).vector == 0 ? PRESENT : 0;
        uint64_t fetch = cpu.nx || cpu.smep ? FETCH : 0;
        KTEST_CHECK(is_page_fault(RUN(user_read, targets[i]), present | USER, targets[i]));
        KTEST_CHECK(is_page_fault(RUN(user_write, targets[i]), present | USER | WRITE, targets[i]));
        KTEST_CHECK(is_page_fault(RUN(user_jump, targets[i]), present | USER | fetch, targets[i]));
    }
}

KTEST(protection, ring_3_cannot_write_code_or_execute_data)
{
    const void *code = (void *)USER_CODE, *stack = (void *)USER_STACK;
    KTEST_CHECK(is_page_fault(RUN(user_write, code), PRESENT | USER | WRITE, code));
    if (!cpu.nx)
        ktest_skip("this CPU has no no-execute bit");
    KTEST_CHECK(is_page_fault(RUN(user_jump, stack), PRESENT | USER | FETCH, stack));
}

PROGRAM(user_count, "again: dec %rdi\n\tjnz again");

#define TICKS_A_SECOND 1000
#define LONG_COUNT     ((void *)20000000) /* lasts for many ticks */
#define SHORT_COUNT    ((void *)1000000)

/* One tick may have come before ring 3 was entered, and one after. */
KTEST(protection, ring_3_is_interrupted_and_goes_on)
{
    uint64_t ticks = 0;
    irq_timer_start(TICKS_A_SECOND);
    for (unsigned i = 0; i < 20 && ticks < 3; i++) {
        ticks = irq_count(percpu_this(), IRQ_TIMER);
        KTEST_CHECK(RUN(user_count, LONG_COUNT).vector == TRAP_INVALID_OPCODE);
        ticks = irq_count(percpu_this(), IRQ_TIMER) - ticks;
    }
    irq_timer_start(IRQ_TICKS);
    if (ticks < 3)
        ktest_skip("no timer interrupted it");
}

#define NMIS 20

static unsigned nmis_done;

static void send_nmis(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < NMIS; i++)
        nmi_send(0);
    __atomic_store_n(&nmis_done, 1, __ATOMIC_RELEASE);
}

/* Their handler goes by the base of gs, which is that of ring 3. */
KTEST(protection, ring_3_takes_nmis_and_goes_on)
{
    cpus_need(2);
    uint32_t before = percpu_this()->nmis_taken;
    nmis_done = 0;
    cpus_start(send_nmis, NULL);
    while (__atomic_load_n(&nmis_done, __ATOMIC_ACQUIRE) == 0)
        KTEST_CHECK(RUN(user_count, SHORT_COUNT).vector == TRAP_INVALID_OPCODE);
    cpus_wait();
    KTEST_CHECK(percpu_this()->nmis_taken == before + NMIS);
    KTEST_CHECK(percpu_this() == percpu_get(0));
}

/* What ring 3 may not do; each has to end in a general protection fault, at once. */
PROGRAM(user_cli, "cli");
PROGRAM(user_hlt, "hlt");
PROGRAM(user_in, "in $0x60, %al");
PROGRAM(user_out, "out %al, $0x80");
PROGRAM(user_rdmsr, "mov $0xc0000101, %ecx\n\trdmsr");
PROGRAM(user_cr0, "mov %cr0, %rax");
PROGRAM(user_lidt, "lidt (%rsp)");
PROGRAM(user_int, "int $14");
PROGRAM(user_sidt, "sidt -16(%rsp)");
PROGRAM(user_sgdt, "sgdt -16(%rsp)");
PROGRAM(user_sldt, "sldt %eax");
PROGRAM(user_str, "str %eax");
PROGRAM(user_smsw, "smsw %eax");

struct program {
    const char *start, *end;
};
#define PROGRAM_ENTRY(name) \
    {                       \
        name, name##_end    \
    }

static void check_refused(const struct program *program, size_t count)
{
    for (size_t i = 0; i < count; i++)
        KTEST_CHECK(run(program[i].start, program[i].end, NULL).vector == TRAP_PROTECTION);
}

KTEST(protection, ring_3_is_refused_what_is_privileged)
{
    const struct program programs[] = {
        PROGRAM_ENTRY(user_cli),  PROGRAM_ENTRY(user_hlt), PROGRAM_ENTRY(user_in),
        PROGRAM_ENTRY(user_out),  PROGRAM_ENTRY(user_cr0), PROGRAM_ENTRY(user_rdmsr),
        PROGRAM_ENTRY(user_lidt), PROGRAM_ENTRY(user_int),
    };
    check_refused(programs, sizeof programs / sizeof *programs);
}

KTEST(protection, umip_keeps_ring_3_from_asking_where_the_tables_are)
{
    if (!cpu.umip)
        ktest_skip("this CPU has no UMIP");
    const struct program programs[] = {PROGRAM_ENTRY(user_sidt), PROGRAM_ENTRY(user_sgdt),
                                       PROGRAM_ENTRY(user_sldt), PROGRAM_ENTRY(user_str),
                                       PROGRAM_ENTRY(user_smsw)};
    check_refused(programs, sizeof programs / sizeof *programs);
}

/* With a base of their own making user programs could deceive the entries of NMIs. */
PROGRAM(user_wrgsbase, "wrgsbase %rdi");

KTEST(protection, ring_3_cannot_set_the_base_of_gs)
{
    struct fault fault = RUN(user_wrgsbase, image_start);
    KTEST_CHECK(fault.vector == TRAP_INVALID_OPCODE && fault.rip == USER_CODE);
}

/* --- canaries ----------------------------------------------------------------------------------*/

KTEST(protection, overflow_on_the_stack_kills_the_canary)
{
    struct fault fault = attack(crash_find("smash"), NULL);
    KTEST_CHECK(fault.vector == FAULT_PANIC);
    KTEST_CHECK(strncmp(fault.reason, "a variable on the stack has overflowed", 38) == 0);
}

static uint64_t canary_of(unsigned cpu_number, enum stack_kind kind)
{
    uintptr_t high = stack_get(cpu_number, kind).high;
    return kind == STACK_MAIN ? percpu_get(cpu_number)->canary
                              : *(uint64_t *)(high - STACK_CANARY_SIZE);
}

KTEST(protection, every_stack_has_a_canary_of_its_own)
{
    static uint64_t canaries[CPU_MAX * STACK_KINDS];
    size_t count = 0;
    for (unsigned i = 0; i < percpu_count(); i++)
        for (unsigned kind = 0; smp_is_online(i) && kind < STACK_KINDS; kind++)
            canaries[count++] = canary_of(i, kind);
    for (size_t i = 0; i < count; i++) {
        KTEST_CHECK(canaries[i] != 0 && canaries[i] % 256 == 0);
        for (size_t j = 0; j < i; j++)
            KTEST_CHECK(canaries[i] != canaries[j]);
    }
}

static uint64_t canary_in_trap;

static void note_canary(struct trap_frame *frame)
{
    (void)frame;
    canary_in_trap = percpu_this()->canary;
}

KTEST(protection, handlers_on_stacks_of_their_own_use_these_canaries)
{
    uint64_t own = percpu_this()->canary;
    trap_handler *before = trap_handle(TRAP_MACHINE_CHECK, note_canary);
    __asm__ volatile("int %0" : : "i"(TRAP_MACHINE_CHECK) : "memory");
    trap_handle(TRAP_MACHINE_CHECK, before);
    KTEST_CHECK(canary_in_trap == canary_of(cpu_id(), STACK_MACHINE_CHECK));
    KTEST_CHECK(percpu_this()->canary == own);
}

/* SPDX-License-Identifier: MIT */
/* The mmap family on the real machine: the CPU obeys each protection. */
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/mm/mmap.h"
#include "kernel/mm/pmm.h"
#include "lib/error.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static void write_byte(void *address)
{
    *(volatile char *)address = 1;
}

static void read_byte(void *address)
{
    (void)*(volatile char *)address;
}

static bool faults(void (*access)(void *), intptr_t address)
{
    struct fault fault;
    return !fault_try(access, (void *)address, &fault) && fault.vector == TRAP_PAGE_FAULT &&
           fault.address == (uintptr_t)address;
}

KTEST(mmap, protections_are_obeyed_by_the_cpu)
{
    uint64_t before = memory_free_frames();
    intptr_t start = kmmap(0, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANONYMOUS);
    KTEST_CHECK(!is_error(start));
    KTEST_CHECK(memory_is_filled((void *)start, 0, 3 * PAGE_SIZE));
    memset((void *)start, 0x33, 3 * PAGE_SIZE);

    intptr_t middle = start + (intptr_t)PAGE_SIZE;
    KTEST_CHECK(kmprotect((uintptr_t)middle, PAGE_SIZE, PROT_READ) == 0);
    KTEST_CHECK(faults(write_byte, middle));
    KTEST_CHECK(!faults(read_byte, middle));
    KTEST_CHECK(kmprotect((uintptr_t)middle, PAGE_SIZE, PROT_NONE) == 0);
    KTEST_CHECK(faults(read_byte, middle));
    KTEST_CHECK(kmprotect((uintptr_t)middle, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
    KTEST_CHECK(memory_is_filled((void *)start, 0x33, 3 * PAGE_SIZE));

    KTEST_CHECK(kmunmap((uintptr_t)start, 3 * PAGE_SIZE) == 0);
    KTEST_CHECK(faults(read_byte, start));
    KTEST_CHECK(memory_free_frames() == before);
    memory_check_everything();
}

KTEST(mmap, executable_memory_runs_but_cannot_be_written)
{
    intptr_t start = kmmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, ANONYMOUS);
    KTEST_CHECK(!is_error(start));
    *(unsigned char *)start = 0xc3; /* ret */
    KTEST_CHECK(kmprotect((uintptr_t)start, PAGE_SIZE, PROT_WRITE | PROT_EXEC) == -EINVAL);
    KTEST_CHECK(kmprotect((uintptr_t)start, PAGE_SIZE, PROT_READ | PROT_EXEC) == 0);
    ((void (*)(void))start)();
    KTEST_CHECK(faults(write_byte, start));
    KTEST_CHECK(kmunmap((uintptr_t)start, PAGE_SIZE) == 0);
}

KTEST(mmap, more_than_the_machine_has_is_refused_without_loss)
{
    uint64_t before = memory_free_frames();
    KTEST_CHECK(kmmap(0, (pmm_account().ram + 1) << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                      ANONYMOUS) == -ENOMEM);
    KTEST_CHECK(memory_free_frames() == before);
    memory_check_everything();
}

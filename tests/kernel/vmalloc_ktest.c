/* SPDX-License-Identifier: MIT */
/* vmalloc on the real machine: an overrun of a single byte faults. */
#include "kernel/mm/vmalloc.h"

#include "kernel/arch/x86_64/trap.h"
#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "lib/addr.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

static void write_byte(void *address)
{
    *(volatile char *)address = 1;
}

static bool faults(char *address)
{
    struct fault fault;
    return !fault_try(write_byte, address, &fault) && fault.vector == TRAP_PAGE_FAULT &&
           fault.address == (uintptr_t)address;
}

KTEST(vmalloc, overruns_on_both_sides_fault)
{
    vfree(vmalloc(1)); /* the heap keeps a slice for the records */
    uint64_t before = memory_free_frames();
    size_t size = 3 * PAGE_SIZE;
    char *block = vmalloc(size - 10);
    KTEST_CHECK(block != NULL);
    memset(block, 0x5a, size);
    KTEST_CHECK(faults(block - 1));
    KTEST_CHECK(faults(block + size));
    memory_check_everything();
    vfree(block);
    KTEST_CHECK(faults(block));
    KTEST_CHECK(memory_free_frames() == before);
}

KTEST(vmalloc, vzalloc_clears_what_others_left)
{
    for (unsigned i = 0; i < 20; i++) {
        char *block = vzalloc(PAGE_SIZE + 1);
        KTEST_CHECK(block != NULL && memory_is_filled(block, 0, 2 * PAGE_SIZE));
        memset(block, 1, 2 * PAGE_SIZE);
        vfree(block);
    }
    KTEST_CHECK(vzalloc(0) == NULL && vzalloc(SIZE_MAX) == NULL);
}

static void free_block(void *block)
{
    vfree(block);
}

KTEST(vmalloc, what_is_not_a_block_panics)
{
    struct fault fault;
    char *block = vmalloc(2 * PAGE_SIZE);
    KTEST_CHECK(!fault_try(free_block, block + PAGE_SIZE, &fault) && fault.vector == FAULT_PANIC);
    vfree(block);
    KTEST_CHECK(!fault_try(free_block, block, &fault) && fault.vector == FAULT_PANIC);
    memory_check_everything();
}

/* SPDX-License-Identifier: MIT */
/* Entering ring 3, and what a test finds there. */
#include "tests/kernel/user.h"

#include <machine.h>

#include "kernel/arch/x86_64/percpu.h"
#include "kernel/ktest.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "kernel/mm/pmm.h"
#include "lib/string.h"

/* As in gdt.c, with the privilege of ring 3. */
#define USER_DATA_SELECTOR 0x1b
#define USER_CODE_SELECTOR 0x23
#define FLAGS              0x202 /* interrupts are on */

static void map_page(uintptr_t virt, frame_t frame, unsigned flags)
{
    KTEST_CHECK(!frame_is_none(frame));
    KTEST_CHECK(paging_map(kspace_paging(), virt, phys_of_frame(frame), PAGE_SIZE,
                           flags | PAGE_READ | PAGE_USER) == 0);
}

static frame_t zeroed_frame(void)
{
    return pmm_alloc(PMM_KERNEL, (struct frame_request){.flags = FRAME_ZERO});
}

void user_map(const char *start, const char *end)
{
    frame_t code = zeroed_frame();
    map_page(USER_CODE, code, PAGE_EXEC);
    map_page(USER_STACK, zeroed_frame(), PAGE_WRITE);
    memcpy(machine_phys_to_virt(phys_of_frame(code)), start, (size_t)(end - start));
}

static void release(frame_t frame, unsigned order)
{
    pmm_free(PMM_KERNEL, frame, order);
}

void user_unmap(void)
{
    KTEST_CHECK(paging_unmap(kspace_paging(), USER_CODE, 2 * PAGE_SIZE, release) == 0);
}

/* The exception comes back on this stack, below this function's frame. */
static void enter(void *argument)
{
    struct tss *tss = &percpu_this()->tss;
    __asm__ volatile("cli\n\t"
                     "movq %%rsp, %0\n\t"
                     "swapgs\n\t"
                     "pushq %2\n\t"
                     "pushq %3\n\t"
                     "pushq %4\n\t"
                     "pushq %5\n\t"
                     "pushq %6\n\t"
                     "iretq"
                     : "=m"(tss->rsp[0])
                     : "D"(argument), "i"(USER_DATA_SELECTOR), "r"(USER_STACK + PAGE_SIZE),
                       "i"(FLAGS), "i"(USER_CODE_SELECTOR), "r"(USER_CODE)
                     : "memory");
}

struct fault user_run(uintptr_t argument)
{
    struct fault fault;
    KTEST_CHECK(!fault_try(enter, (void *)argument, &fault));
    return fault;
}

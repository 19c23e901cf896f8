/* SPDX-License-Identifier: MIT */
/* A handler frees a block that whom it interrupted frees, too. */
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu_heap.h"
#include "kernel/crash.h"
#include "kernel/mm/kmalloc.h"

CRASH(free_in_handler)
{
    char *block = kmalloc(48, 0);
    asm_interrupts_off();
    percpu_enter_interrupt(percpu_this());
    kfree(block);
    percpu_leave_interrupt(percpu_this());
    asm_interrupts_on();
    kfree(block);
}

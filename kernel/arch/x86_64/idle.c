/* SPDX-License-Identifier: MIT */
/*
 * One word for each CPU decides who sees to the flush. Whoever changed the page tables tries to
 * turn CPU_ASLEEP into CPU_STALE; the sleeper takes whatever is there and leaves CPU_AWAKE. If the
 * sleeper is first, the other sees that it is awake, and interrupts it.
 */
#include "kernel/arch/x86_64/idle.h"

#include <stddef.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/machine.h"

static void (*work)(void);

void idle_set_work(void (*function)(void))
{
    work = function;
}

static void do_work(struct percpu *this)
{
    this->is_tidy = true;
    asm_interrupts_on();
    work();
    asm_interrupts_off();
}

void idle_sleep(void)
{
    struct percpu *this = percpu_this();
    if (work != NULL && !this->is_tidy) {
        do_work(this);
        return;
    }
    this->is_tidy = false;
    __atomic_store_n(&this->sleep, CPU_ASLEEP, __ATOMIC_SEQ_CST);
    asm_wait_for_interrupt();
    idle_wake(this);
}

void idle_wake_slow(struct percpu *this)
{
    if (__atomic_exchange_n(&this->sleep, CPU_AWAKE, __ATOMIC_SEQ_CST) == CPU_STALE)
        machine_flush_all_here();
}

bool idle_puts_off_flush(struct percpu *area)
{
    uint32_t asleep = CPU_ASLEEP;
    return __atomic_compare_exchange_n(&area->sleep, &asleep, CPU_STALE, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST) ||
           asleep == CPU_STALE;
}

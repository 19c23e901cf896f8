/* SPDX-License-Identifier: MIT */
/*
 * One word for each CPU decides who sees to the flush. Whoever changed the page tables tries to
 * turn CPU_ASLEEP into CPU_STALE; the sleeper takes whatever is there and leaves CPU_AWAKE. If the
 * sleeper is first, the other sees that it is awake, and interrupts it.
 */
#include "kernel/arch/x86_64/idle.h"

#include "kernel/arch/x86_64/machine.h"

void idle_sleep(void)
{
    struct percpu *this = percpu_this();
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

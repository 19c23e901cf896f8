/* SPDX-License-Identifier: MIT */
/* NMIs, sent and received. */
#include "kernel/nmi.h"

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/fault.h"
#include "kernel/panic.h"

static void handle(struct trap_frame *frame)
{
    struct percpu *this = percpu_this();
    uint32_t teller = panic_teller();
    if (teller == this->id)
        return; /* nothing keeps it from telling */
    if (teller != PANIC_NOBODY)
        asm_halt();
    this->nmis++;
    if (__atomic_exchange_n(&this->nmi_sent, 0, __ATOMIC_ACQ_REL))
        this->nmis_taken++;
    else
        fault_handle(frame);
    this->nmis--;
}

void nmi_init(void)
{
    trap_handle(TRAP_NMI, handle);
    panic_set_stopper(apic_send_nmi_to_others);
}

void nmi_send(unsigned number)
{
    struct percpu *area = percpu_get(number);
    __atomic_store_n(&area->nmi_sent, 1, __ATOMIC_RELEASE);
    apic_send_nmi((uint8_t)area->apic_id);
    while (__atomic_load_n(&area->nmi_sent, __ATOMIC_ACQUIRE))
        asm_pause();
}

/* SPDX-License-Identifier: MIT */
/*
 * Shootdowns are letters (mail.h), read with interrupts off: in the handler of an interrupt, or by
 * whoever waits for a lock or for answers of its own. So two CPUs that shoot at each other both get
 * their answer.
 */
#include "kernel/shootdown.h"

#include <machine.h>

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/idle.h"
#include "kernel/arch/x86_64/serial.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/mail.h"
#include "kernel/smp.h"
#include "lib/list.h"

struct shootdown {
    struct letter letter;
    const struct machine_flush *flush;
};

enum shootdown_flaw shootdown_flaw;

static bool has_flaw(enum shootdown_flaw flaw)
{
    return LOAM_DEBUG && __atomic_load_n(&shootdown_flaw, __ATOMIC_RELAXED) == flaw;
}

static void read(const struct letter *letter)
{
    if (!has_flaw(SHOOTDOWN_DROPPED))
        machine_flush_here(container_of(letter, struct shootdown, letter)->flush);
}

static void handle(struct trap_frame *frame)
{
    (void)frame;
    mail_read(MAIL_FLUSH);
}

/* A sleeper's TLB may stay stale until it wakes up, but not the tables that it would walk even so:
 * a CPU may fill its TLB at any time. */
static void tell(struct percpu *area, const struct machine_flush *flush)
{
    if (!flush->tables && idle_puts_off_flush(area))
        return;
    mail_send(MAIL_FLUSH, area);
    apic_send((uint8_t)area->apic_id, IRQ_FLUSH);
}

/* A CPU that is not online yet drops its TLB once it is, so the tables change before it is asked.
 */
static void tell_others(struct shootdown *shootdown)
{
    mail_write(MAIL_FLUSH, &shootdown->letter);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < percpu_count(); i++)
        if (i != cpu_id() && smp_is_online(i))
            tell(percpu_get(i), shootdown->flush);
}

/* For tests: nobody waits for this letter, so it must last. */
static void shoot_without_waiting(const struct machine_flush *flush)
{
    static struct machine_flush late_flush;
    static struct shootdown late = {.letter = {.read = read}, .flush = &late_flush};
    mail_wait(&late.letter, mail_serve);
    late_flush = *flush;
    tell_others(&late);
}

/* While the others work, this CPU flushes its own. */
static void shoot(const struct machine_flush *flush)
{
    struct shootdown shootdown = {.letter = {.read = read}, .flush = flush};
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_off();
    if (has_flaw(SHOOTDOWN_NOT_AWAITED))
        shoot_without_waiting(flush);
    else
        tell_others(&shootdown);
    machine_flush_here(flush);
    mail_wait(&shootdown.letter, mail_serve);
    if (were_on)
        asm_interrupts_on();
}

void shootdown_init(void)
{
    irq_handle(IRQ_FLUSH, "TLB flush", handle);
    lock_set_service(mail_serve);
    serial_set_service(mail_serve);
    machine_set_flusher(shoot);
}

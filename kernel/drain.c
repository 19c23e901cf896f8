/* SPDX-License-Identifier: MIT */
/*
 * Drains are letters (mail.h), read with interrupts off: in the handler of an interrupt, or by
 * whoever waits for a lock or for answers of its own. A reader that was interrupted in the middle
 * of an allocation keeps what it has, and is asked again a little later.
 */
#include "kernel/drain.h"

#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/irq.h"
#include "kernel/mail.h"
#include "kernel/mm/pmm_drain.h"
#include "kernel/smp.h"
#include "lib/alloc/frame.h"
#include "lib/list.h"

#define ATTEMPTS 8 /* who allocates all the time is seldom met in the middle of it twice */

struct drain {
    struct letter letter;
    struct frames *frames;
    bool *refused; /* by any reader; atomic */
};

static void read(const struct letter *letter)
{
    const struct drain *drain = container_of(letter, struct drain, letter);
    if (!frame_drain(drain->frames))
        __atomic_store_n(drain->refused, true, __ATOMIC_RELAXED);
}

static void handle(struct trap_frame *frame)
{
    (void)frame;
    mail_read(MAIL_DRAIN);
}

/* Asks all others once. False if one of them has kept its frames. */
static bool ask(struct frames *frames)
{
    bool refused = false;
    struct drain drain = {.letter = {.read = read}, .frames = frames, .refused = &refused};
    mail_write(MAIL_DRAIN, &drain.letter);
    for (unsigned i = 0; i < percpu_count(); i++) {
        if (i == cpu_id() || !smp_is_online(i))
            continue;
        mail_send(MAIL_DRAIN, percpu_get(i));
        apic_send((uint8_t)percpu_get(i)->apic_id, IRQ_DRAIN);
    }
    mail_wait(&drain.letter, mail_serve);
    return !__atomic_load_n(&refused, __ATOMIC_RELAXED);
}

static void drain(struct frames *frames)
{
    bool were_on = asm_interrupts_are_on();
    asm_interrupts_off();
    for (unsigned i = 0; i < ATTEMPTS && !ask(frames); i++)
        ;
    if (were_on)
        asm_interrupts_on();
}

void drain_init(void)
{
    irq_handle(IRQ_DRAIN, "drain", handle);
    pmm_set_drainer(drain);
}

/* SPDX-License-Identifier: MIT */
/* Functions that one CPU runs on others: letters (mail.h), read by interrupt handlers. */
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/percpu_heap.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/irq.h"
#include "kernel/mail.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "lib/list.h"

struct call {
    struct letter letter;
    void (*function)(void *argument);
    void *argument;
};

static void read(const struct letter *letter)
{
    const struct call *call = container_of(letter, struct call, letter);
    call->function(call->argument);
}

static void handle(struct trap_frame *frame)
{
    (void)frame;
    mail_read(MAIL_CALL);
}

/* Here, as if an interrupt had asked for it. */
static void call_here(const struct call *call)
{
    struct percpu *this = percpu_this();
    asm_interrupts_off();
    percpu_enter_interrupt(this);
    call->function(call->argument);
    percpu_leave_interrupt(this);
    asm_interrupts_on();
}

static void send(unsigned number)
{
    struct percpu *area = percpu_get(number);
    mail_send(MAIL_CALL, area);
    apic_send((uint8_t)area->apic_id, IRQ_CALL);
}

static void check_context(void)
{
    if (percpu_this()->interrupts > 0 || !asm_interrupts_are_on())
        panic("smp_call: CPU %u waits for others with interrupts off", cpu_id());
}

static void nothing(void)
{
}

void smp_call(unsigned number, void (*function)(void *argument), void *argument)
{
    struct call call = {{.read = read}, function, argument};
    check_context();
    if (!smp_is_online(number))
        panic("smp_call: there is no CPU %u", number);
    if (number == cpu_id()) {
        call_here(&call);
        return;
    }
    mail_write(MAIL_CALL, &call.letter);
    send(number);
    mail_wait(&call.letter, nothing);
}

void smp_call_all(void (*function)(void *argument), void *argument)
{
    struct call call = {{.read = read}, function, argument};
    check_context();
    mail_write(MAIL_CALL, &call.letter);
    for (unsigned i = 0; i < percpu_count(); i++)
        if (i != cpu_id() && smp_is_online(i))
            send(i);
    call_here(&call);
    mail_wait(&call.letter, nothing);
}

void smp_call_init(void)
{
    irq_handle(IRQ_CALL, "call", handle);
    irq_handle(IRQ_WAKE, "wake", NULL);
}

/* SPDX-License-Identifier: MIT */
/* Letters between CPUs: sets of CPUs as bits in words, each changed by one atomic instruction. */
#include "kernel/mail.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/panic.h"
#include "lib/bits.h"

static uint64_t bit_of(unsigned number)
{
    return (uint64_t)1 << number % 64;
}

void mail_write(enum mail_kind kind, struct letter *letter)
{
    percpu_this()->letter[kind] = letter;
}

/* The letter is complete before its reader can see who sent it. */
void mail_send(enum mail_kind kind, struct percpu *to)
{
    const struct percpu *this = percpu_this();
    uint64_t *unread = &this->letter[kind]->unread[to->id / 64];
    __atomic_fetch_or(unread, bit_of(to->id), __ATOMIC_RELAXED);
    __atomic_fetch_or(&to->senders[kind][this->id / 64], bit_of(this->id), __ATOMIC_SEQ_CST);
}

/* Once it is marked as read, the letter may be gone. */
static void read_from(enum mail_kind kind, unsigned sender)
{
    struct letter *letter = percpu_get(sender)->letter[kind];
    unsigned reader = cpu_id();
    letter->read(letter);
    __atomic_fetch_and(&letter->unread[reader / 64], ~bit_of(reader), __ATOMIC_RELEASE);
}

void mail_read(enum mail_kind kind)
{
    struct percpu *this = percpu_this();
    for (unsigned word = 0; word < CPU_WORDS; word++) {
        if (__atomic_load_n(&this->senders[kind][word], __ATOMIC_RELAXED) == 0)
            continue;
        uint64_t senders = __atomic_exchange_n(&this->senders[kind][word], 0, __ATOMIC_SEQ_CST);
        for (; senders != 0; senders &= senders - 1)
            read_from(kind, word * 64 + bits_lowest(senders));
    }
}

void mail_serve(void)
{
    mail_read(MAIL_FLUSH);
    mail_read(MAIL_DRAIN);
}

/* The first CPU that has not read it, or CPU_MAX. */
static unsigned first_unread(const struct letter *letter)
{
    for (unsigned word = 0; word < CPU_WORDS; word++) {
        uint64_t unread = __atomic_load_n(&letter->unread[word], __ATOMIC_ACQUIRE);
        if (unread != 0)
            return word * 64 + bits_lowest(unread);
    }
    return CPU_MAX;
}

void mail_wait(const struct letter *letter, void (*meanwhile)(void))
{
    uint64_t start = asm_read_tsc(), patience = MAIL_PATIENCE_MS * tsc_rate();
    for (;;) {
        unsigned number = first_unread(letter);
        if (number == CPU_MAX)
            return;
        if (asm_read_tsc() - start > patience)
            panic("CPU %u does not answer CPU %u: for %u ms it had no interrupts", number, cpu_id(),
                  MAIL_PATIENCE_MS);
        meanwhile();
        asm_pause();
    }
}
